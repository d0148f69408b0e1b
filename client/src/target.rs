//! From what was typed to a target: by position, by flags, or by where one stands.

use borealis_proto::{Target, TargetError};

use crate::cli::{ManyTargets, OneTarget, TargetFlags};
use crate::git;

/// No target can be made of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is none.
    #[error(transparent)]
    Malformed(#[from] TargetError),
    /// The target and `--app` name different apps.
    #[error("{target} is not in the app {app}")]
    TwoApps {
        /// As typed.
        target: String,
        /// As given by the flag.
        app: String,
    },
    /// The target says already which add-on, and `--addon` says it again.
    #[error("{target} and --addon {addon} are two targets")]
    TwoTargets {
        /// As typed.
        target: String,
        /// As given by the flag.
        addon: String,
    },
    /// Nothing names an app.
    #[error("no target is named, and {looked} no Heroku app")]
    NoApp {
        /// Where an app was looked for.
        looked: String,
    },
    /// The git remotes name several.
    #[error("no target is named, and the git remotes name several apps: {}", .apps.join(", "))]
    SeveralApps {
        /// All of them.
        apps: Vec<String>,
    },
}

impl Error {
    /// What to type next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Malformed(_) | Self::NoApp { .. } => {
                "type APP/ATTACHMENT, for example sushi/DATABASE, or --app APP".to_owned()
            }
            Self::TwoApps { target, .. } => format!("type {target} alone"),
            Self::TwoTargets { target, addon } => {
                format!("type {target} alone, or its app and --addon {addon}")
            }
            Self::SeveralApps { apps } => {
                let first = apps.first().map_or("APP", String::as_str);
                format!("choose one: --app {first}")
            }
        }
    }
}

/// Where an app is looked for when none is typed. A trait, so that tests need no repository.
pub trait Surroundings {
    /// `HEROKU_APP`.
    fn heroku_app(&self) -> Option<String>;
    /// The apps of the git remotes; of one remote if it is named.
    fn git_apps(&self, remote: Option<&str>) -> Vec<String>;
}

/// The environment and the working directory.
#[derive(Clone, Copy, Debug)]
pub struct Here;

impl Surroundings for Here {
    fn heroku_app(&self) -> Option<String> {
        std::env::var("HEROKU_APP").ok().filter(|app| !app.is_empty())
    }

    fn git_apps(&self, remote: Option<&str>) -> Vec<String> {
        git::apps(remote)
    }
}

/// The target of a command that takes one.
///
/// # Errors
/// When what was typed is no target, or nothing was typed and no single app is found.
pub fn one(typed: &OneTarget, here: &impl Surroundings) -> Result<Target, Error> {
    match &typed.target {
        Some(text) => positional(text, &typed.flags, here),
        None => by_flags(&typed.flags, here),
    }
}

/// The targets of a command that takes several.
///
/// # Errors
/// See [`one`].
pub fn many(typed: &ManyTargets, here: &impl Surroundings) -> Result<Vec<Target>, Error> {
    if typed.targets.is_empty() {
        return Ok(vec![by_flags(&typed.flags, here)?]);
    }
    typed.targets.iter().map(|text| positional(text, &typed.flags, here)).collect()
}

/// Whether anything says which target is meant.
#[must_use]
pub fn is_named(typed: &OneTarget) -> bool {
    let TargetFlags { app, addon, remote } = &typed.flags;
    typed.target.is_some() || app.is_some() || addon.is_some() || remote.is_some()
}

/// `psql DATABASE --app sushi` is how Heroku's own commands are typed. With `--addon` the target is
/// the app.
fn positional(text: &str, flags: &TargetFlags, here: &impl Surroundings) -> Result<Target, Error> {
    let app = match (&flags.app, &flags.remote) {
        (Some(app), _) => Some(app.clone()),
        (None, Some(remote)) => Some(only_app(here.git_apps(Some(remote)), Some(remote))?),
        (None, None) => None,
    };
    let target = match (text.parse()?, app) {
        (target, None) => target,
        (Target::Name(name), Some(app)) if name == app => Target::Name(name),
        (Target::Name(name), Some(app)) => Target::from_parts(&app, Some(&name))?,
        (Target::Attachment { app: named, attachment }, Some(app)) if named == app => {
            Target::Attachment { app, attachment }
        }
        (Target::Attachment { .. } | Target::Session(_), Some(app)) => {
            return Err(Error::TwoApps { target: text.to_owned(), app });
        }
    };
    match (target, &flags.addon) {
        (target, None) => Ok(target),
        (Target::Name(app), Some(addon)) => Ok(Target::from_parts(&app, Some(addon))?),
        (target, Some(addon)) if is_part(&target, addon) => Ok(target),
        (_, Some(addon)) => {
            Err(Error::TwoTargets { target: text.to_owned(), addon: addon.clone() })
        }
    }
}

/// Whether it is the one of that name in its app.
fn is_part(target: &Target, addon: &str) -> bool {
    matches!(target, Target::Attachment { attachment, .. } if attachment == addon)
}

fn by_flags(flags: &TargetFlags, here: &impl Surroundings) -> Result<Target, Error> {
    let app = match &flags.app {
        Some(app) => Ok(app.clone()),
        None => surrounding_app(flags.remote.as_deref(), here),
    };
    match (app, &flags.addon) {
        (Ok(app), addon) => Ok(Target::from_parts(&app, addon.as_deref())?),
        // An add-on's own name needs no app.
        (Err(Error::NoApp { .. }), Some(addon)) => Ok(addon.parse()?),
        (Err(Error::SeveralApps { .. }), Some(addon)) if is_own_name(addon) => Ok(addon.parse()?),
        (Err(error), _) => Err(error),
    }
}

/// Whether it is an add-on's own name or UUID: Heroku writes the names of attachments in capitals,
/// without hyphens.
fn is_own_name(addon: &str) -> bool {
    addon.contains(|c: char| c == '-' || c.is_ascii_lowercase())
}

fn surrounding_app(remote: Option<&str>, here: &impl Surroundings) -> Result<String, Error> {
    match (remote, here.heroku_app()) {
        (None, Some(app)) => Ok(app),
        (remote, _) => only_app(here.git_apps(remote), remote),
    }
}

fn only_app(apps: Vec<String>, remote: Option<&str>) -> Result<String, Error> {
    let looked = || match remote {
        Some(remote) => format!("the git remote {remote} is"),
        None => "HEROKU_APP and the git remotes name".to_owned(),
    };
    match <[String; 1]>::try_from(apps) {
        Ok([app]) => Ok(app),
        Err(apps) if apps.is_empty() => Err(Error::NoApp { looked: looked() }),
        Err(apps) => Err(Error::SeveralApps { apps }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `HEROKU_APP` and the apps of the remotes.
    struct There(Option<&'static str>, &'static [&'static str]);

    impl Surroundings for There {
        fn heroku_app(&self) -> Option<String> {
            self.0.map(str::to_owned)
        }

        fn git_apps(&self, _remote: Option<&str>) -> Vec<String> {
            self.1.iter().map(|&app| app.to_owned()).collect()
        }
    }

    fn typed(line: &str) -> OneTarget {
        let mut typed = OneTarget::default();
        let mut words = line.split_whitespace().map(str::to_owned);
        while let Some(word) = words.next() {
            match word.as_str() {
                "-a" => typed.flags.app = words.next(),
                "-o" => typed.flags.addon = words.next(),
                "-r" => typed.flags.remote = words.next(),
                _ => typed.target = Some(word),
            }
        }
        typed
    }

    #[test]
    fn what_is_typed_and_what_is_meant() {
        let nowhere = || There(None, &[]);
        let table = [
            ("sushi/DATABASE", nowhere(), "sushi/DATABASE"),
            ("sushi::DATABASE", There(Some("maki"), &[]), "sushi/DATABASE"),
            ("-a sushi", nowhere(), "sushi"),
            ("-a sushi -o DATABASE", nowhere(), "sushi/DATABASE"),
            ("DATABASE -a sushi", nowhere(), "sushi/DATABASE"),
            ("sushi/DATABASE -a sushi", nowhere(), "sushi/DATABASE"),
            ("sushi -a sushi", nowhere(), "sushi"),
            ("", There(Some("maki"), &["sushi"]), "maki"),
            ("", There(None, &["sushi"]), "sushi"),
            ("-r heroku", There(Some("maki"), &["sushi"]), "sushi"),
            ("-o DATABASE", There(None, &["sushi"]), "sushi/DATABASE"),
            ("-o borealis-pg-hex-12345", nowhere(), "borealis-pg-hex-12345"),
            ("-o borealis-pg-hex-12345", There(None, &["maki", "sushi"]), "borealis-pg-hex-12345"),
            ("sushi -o ANALYTICS", nowhere(), "sushi/ANALYTICS"),
            ("sushi -a sushi -o ANALYTICS", nowhere(), "sushi/ANALYTICS"),
            ("sushi/DATABASE -o DATABASE", nowhere(), "sushi/DATABASE"),
            ("DATABASE -a sushi -o DATABASE", nowhere(), "sushi/DATABASE"),
        ];
        for (line, there, meant) in table {
            let target = one(&typed(line), &there).map(|target| target.to_string());
            assert_eq!(target.as_deref(), Ok(meant), "{line:?}");
        }
    }

    #[test]
    fn what_is_not_clear_is_asked_back() {
        let several = one(&typed(""), &There(None, &["maki", "sushi"])).unwrap_err();
        assert_eq!(several.hint(), "choose one: --app maki");
        assert!(matches!(one(&typed(""), &There(None, &[])), Err(Error::NoApp { .. })));
        let two = one(&typed("sushi/DATABASE -a maki"), &There(None, &[]));
        assert!(matches!(two, Err(Error::TwoApps { .. })), "{two:?}");
        let several = one(&typed("-o DATABASE"), &There(None, &["maki", "sushi"]));
        assert!(matches!(several, Err(Error::SeveralApps { .. })), "{several:?}");
        for line in ["sushi/DATABASE -o ANALYTICS", "ses_7k2m -o ANALYTICS"] {
            let two = one(&typed(line), &There(None, &[]));
            assert!(matches!(two, Err(Error::TwoTargets { .. })), "{line}: {two:?}");
        }
    }
}
