//! What the daemon is told when it starts. Everything that comes from the environment or from the
//! settings file is read here and nowhere else, so that a test can run the whole daemon with
//! values of its own.

use std::path::PathBuf;

use borealis_proto::{Paths, Renew, Settings};
use reqwest::Url;

use crate::credentials::Secret;

/// All of it.
#[derive(Debug)]
pub struct Config {
    /// Where socket, state and log live.
    pub paths: Paths,
    /// Base URL of the Heroku Platform API.
    pub heroku: Url,
    /// Base URL of the Borealis API.
    pub borealis: Url,
    /// `HEROKU_API_KEY` of the daemon's own environment.
    pub heroku_key: Option<Secret<String>>,
    /// Where the Heroku CLI says whose login the credential store has.
    pub login_file: Option<PathBuf>,
    /// `.netrc` files to look into, best first.
    pub netrc: Vec<PathBuf>,
    /// SSH connections that a tunnel may have at once.
    pub links: usize,
    /// What becomes of credentials that are refused.
    pub renew: Renew,
    /// Where the log goes, for `GET /v1/daemon`: a path, or `journal`.
    pub log: String,
    /// What a person should hear of the start, for `GET /v1/daemon`.
    pub troubles: Vec<String>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No place for socket or state.
    #[error(transparent)]
    Paths(#[from] borealis_proto::PathsError),
    /// Not an address that a token may be sent to.
    #[error("{name} is {value:?}: {problem}")]
    BadUrl {
        /// The setting.
        name: &'static str,
        /// What it says.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Config {
    /// From resolved settings and the environment.
    ///
    /// # Errors
    /// When a URL is malformed or would carry a token over plain HTTP to another machine.
    pub fn new(
        settings: &Settings,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let paths = Paths::resolve(settings)?;
        let heroku_host = settings.heroku_host.as_deref().unwrap_or(Settings::HEROKU_HOST);
        let borealis = settings.borealis_api.as_deref().unwrap_or(Settings::BOREALIS_API);
        Ok(Self {
            log: paths.log_file().display().to_string(),
            troubles: Vec::new(),
            renew: settings.renew.unwrap_or_default(),
            links: settings.links.unwrap_or(Settings::LINKS).into(),
            paths,
            heroku: checked_url("HEROKU_HOST", &heroku_url(heroku_host))?,
            borealis: checked_url("BOREALIS_PG_API_BASE_URL", borealis)?,
            heroku_key: env("HEROKU_API_KEY").filter(|key| !key.is_empty()).map(Secret::new),
            login_file: login_file(&env),
            netrc: netrc_files(&env),
        })
    }
}

/// As the Heroku CLI reads it: a host gets `https://api.` in front, a URL is taken as it is.
fn heroku_url(host: &str) -> String {
    if host.contains("://") { host.to_owned() } else { format!("https://api.{host}") }
}

/// A token goes over TLS, or stays on this machine.
fn checked_url(name: &'static str, value: &str) -> Result<Url, ConfigError> {
    let bad = |problem: String| ConfigError::BadUrl { name, value: value.to_owned(), problem };
    let url = Url::parse(value).map_err(|error| bad(error.to_string()))?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(bad("must be https (http only on this machine)".to_owned())),
    }
}

/// In the Heroku CLI's data directory, found as the Heroku CLI finds it: on macOS too it is the one
/// below `.local`.
fn login_file(env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let dir = |name, below| {
        let value = env(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value).join(below))
    };
    let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let found = dir("HEROKU_DATA_DIR", "")
        .or_else(|| dir("XDG_DATA_HOME", "heroku"))
        .or_else(|| if cfg!(windows) { dir("LOCALAPPDATA", "heroku") } else { None })
        .or_else(|| dir(home, ".local/share/heroku"))?;
    Some(found.join("login.json"))
}

/// A `.gpg` sibling wins, as in the Heroku CLI.
fn netrc_files(env: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let (home, name) = if cfg!(windows) { ("USERPROFILE", "_netrc") } else { ("HOME", ".netrc") };
    let Some(home) = env(home).map(PathBuf::from) else { return Vec::new() };
    vec![home.join(format!("{name}.gpg")), home.join(name)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(heroku: &str) -> Settings {
        Settings {
            state_dir: Some("/s".into()),
            socket: Some("/s/sock".into()),
            heroku_host: Some(heroku.to_owned()),
            ..Settings::default()
        }
    }

    #[test]
    fn a_host_is_an_api_host_and_a_url_is_itself() {
        for (given, url) in [
            ("heroku.com", "https://api.heroku.com/"),
            ("https://api.staging.test", "https://api.staging.test/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ] {
            let config = Config::new(&settings(given), |_| None).unwrap();
            assert_eq!(config.heroku.as_str(), url);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_first_directory_that_is_named_has_the_login_file() {
        let table = [
            (&[("HEROKU_DATA_DIR", "/d"), ("XDG_DATA_HOME", "/x"), ("HOME", "/h")][..], "/d"),
            (&[("HEROKU_DATA_DIR", ""), ("XDG_DATA_HOME", "/x"), ("HOME", "/h")], "/x/heroku"),
            (&[("HOME", "/h")], "/h/.local/share/heroku"),
        ];
        for (set, dir) in table {
            let env = |name: &str| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(login_file(env), Some(PathBuf::from(dir).join("login.json")));
        }
        assert_eq!(login_file(|_| None), None);
    }

    #[test]
    fn plain_http_to_another_machine_is_refused() {
        for given in ["http://api.heroku.com", "ftp://127.0.0.1", "http://"] {
            assert!(Config::new(&settings(given), |_| None).is_err(), "{given}");
        }
    }
}
