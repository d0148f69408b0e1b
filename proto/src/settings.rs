//! Settings: `config.toml`, each key with an environment variable and a default.
//!
//! | key | variable | default |
//! |---|---|---|
//! | `socket` | `BOREALIS_SOCKET` | see [`crate::Paths`] |
//! | `state_dir` | `BOREALIS_STATE_DIR` | see [`crate::Paths`] |
//! | `log` | `BOREALIS_LOG` | `info` |
//! | `heroku_host` | `HEROKU_HOST` | `heroku.com` |
//! | `links` | `BOREALIS_LINKS` | 4: SSH connections that one tunnel may have, 1 to 16 |
//! | `renew` | `BOREALIS_RENEW` | `auto`: credentials that are refused are renewed; `ask`: only by `refresh` |
//! | `borealis_api` | `BOREALIS_PG_API_BASE_URL` | `https://pg-heroku-addon-api.borealis-data.com` |
//!
//! The variable wins over the file. `BOREALIS_CONFIG` says where the file is.

use std::path::PathBuf;

use serde::Deserialize;

/// What the user set, before defaults that depend on the system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The control socket's path, or the pipe's name.
    pub socket: Option<PathBuf>,
    /// Where the state file and the log live.
    pub state_dir: Option<PathBuf>,
    /// A `tracing` filter.
    pub log: Option<String>,
    /// A host, or a whole URL.
    pub heroku_host: Option<String>,
    /// Base URL of the Borealis API.
    pub borealis_api: Option<String>,
    /// SSH connections that one tunnel may have at once.
    pub links: Option<u8>,
    /// What becomes of credentials that are refused.
    pub renew: Option<Renew>,
}

/// What becomes of credentials that worked and are refused now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Renew {
    /// Others are got at once.
    #[default]
    Auto,
    /// A person is waited for, who may know why they were taken away.
    Ask,
}

/// A setting does not say what it should.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is no TOML, or has a key that does not exist.
    #[error("the settings file is not right: {0}")]
    File(#[from] toml::de::Error),
    /// Not a number of links that we make.
    #[error("links (BOREALIS_LINKS) is {0}: a number from 1 to 16 is meant")]
    Links(String),
    /// Neither of the two words.
    #[error("renew (BOREALIS_RENEW) is {0}: auto or ask is meant")]
    Renew(String),
}

impl Settings {
    /// The variables that win over the file, and the one that names it.
    pub const VARIABLES: [&'static str; 8] = [
        "BOREALIS_CONFIG",
        "BOREALIS_SOCKET",
        "BOREALIS_STATE_DIR",
        "BOREALIS_LOG",
        "BOREALIS_LINKS",
        "BOREALIS_RENEW",
        "HEROKU_HOST",
        "BOREALIS_PG_API_BASE_URL",
    ];
    /// The default of [`Settings::borealis_api`].
    pub const BOREALIS_API: &'static str = "https://pg-heroku-addon-api.borealis-data.com";
    /// The default of [`Settings::heroku_host`].
    pub const HEROKU_HOST: &'static str = "heroku.com";
    /// The default of [`Settings::links`]: one to work with, one for bulk, one ready, one in hand.
    pub const LINKS: u8 = 4;

    /// Joins the text of the settings file with the environment, which wins.
    ///
    /// # Errors
    /// When the text is not TOML or has a key that does not exist, or a value is out of its range.
    pub fn resolve(
        file: Option<&str>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let file: Self = file.map(toml::from_str).transpose()?.unwrap_or_default();
        let var = |name: &str| env(name).filter(|value| !value.is_empty());
        Ok(Self {
            socket: var("BOREALIS_SOCKET").map(PathBuf::from).or(file.socket),
            state_dir: var("BOREALIS_STATE_DIR").map(PathBuf::from).or(file.state_dir),
            log: var("BOREALIS_LOG").or(file.log),
            heroku_host: var("HEROKU_HOST").or(file.heroku_host),
            borealis_api: var("BOREALIS_PG_API_BASE_URL").or(file.borealis_api),
            links: links(var("BOREALIS_LINKS"), file.links)?,
            renew: var("BOREALIS_RENEW").map(renew).transpose()?.or(file.renew),
        })
    }
}

fn links(var: Option<String>, file: Option<u8>) -> Result<Option<u8>, SettingsError> {
    let said = var.or_else(|| file.map(|links| links.to_string()));
    let checked = |said: String| match said.parse() {
        Ok(links @ 1..=16) => Ok(links),
        _ => Err(SettingsError::Links(said)),
    };
    said.map(checked).transpose()
}

fn renew(said: String) -> Result<Renew, SettingsError> {
    match said.as_str() {
        "auto" => Ok(Renew::Auto),
        "ask" => Ok(Renew::Ask),
        _ => Err(SettingsError::Renew(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_is_read_is_named() {
        let read = std::cell::RefCell::new(vec!["BOREALIS_CONFIG".to_owned()]);
        let env = |name: &str| {
            read.borrow_mut().push(name.to_owned());
            None
        };
        Settings::resolve(None, env).unwrap();
        let mut named = Settings::VARIABLES.map(str::to_owned);
        named.sort();
        read.borrow_mut().sort();
        assert_eq!(*read.borrow(), named);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file = "log = \"debug\"\nstate_dir = \"/from/file\"\n";
        let env = |name: &str| (name == "BOREALIS_LOG").then(|| "trace".to_owned());
        let settings = Settings::resolve(Some(file), env).unwrap();
        assert_eq!(settings.log.as_deref(), Some("trace"));
        assert_eq!(settings.state_dir, Some(PathBuf::from("/from/file")));
        assert_eq!(settings.socket, None);
    }

    #[test]
    fn links_are_counted() {
        let from = |file: &str| Settings::resolve(Some(file), |_| None);
        let env = |name: &str| (name == "BOREALIS_LINKS").then(|| "2".to_owned());
        assert_eq!(Settings::resolve(Some("links = 7"), env).unwrap().links, Some(2));
        assert_eq!(from("links = 16").unwrap().links, Some(16));
        assert_eq!(from("").unwrap().links, None);
        for file in ["links = 0", "links = 17", "links = 300", "links = \"4\""] {
            assert!(from(file).unwrap_err().to_string().contains("links"), "{file}");
        }
        let env = |name: &str| (name == "BOREALIS_LINKS").then(|| "many".to_owned());
        assert!(Settings::resolve(None, env).unwrap_err().to_string().contains("many"));
    }

    #[test]
    fn whether_to_ask_is_one_of_two_words() {
        let from = |file: &str| Settings::resolve(Some(file), |_| None);
        let env = |name: &str| (name == "BOREALIS_RENEW").then(|| "ask".to_owned());
        assert_eq!(
            Settings::resolve(Some("renew = \"auto\""), env).unwrap().renew,
            Some(Renew::Ask)
        );
        assert_eq!(from("renew = \"ask\"").unwrap().renew, Some(Renew::Ask));
        assert_eq!(from("").unwrap().renew, None);
        assert!(from("renew = \"never\"").unwrap_err().to_string().contains("never"));
        let env = |name: &str| (name == "BOREALIS_RENEW").then(|| "Perhaps".to_owned());
        let error = Settings::resolve(None, env).unwrap_err().to_string();
        assert!(error.contains("BOREALIS_RENEW") && error.contains("Perhaps"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = Settings::resolve(Some("sokcet = \"x\""), |_| None).unwrap_err();
        assert!(error.to_string().contains("sokcet"), "{error}");
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let settings = Settings::resolve(None, |_| Some(String::new())).unwrap();
        assert_eq!(settings, Settings::default());
    }
}
