//! What a person types to say which database is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::session::{Session, SessionId, canonical_attachment};

/// A parsed target. Which of app and add-on a bare name is, only Heroku or the open sessions know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// `APP/ATTACHMENT` or `APP::ATTACHMENT`.
    Attachment {
        /// The app's name.
        app: String,
        /// The attachment's name, or the add-on's.
        attachment: String,
    },
    /// An app, an add-on's name or an add-on's UUID.
    Name(String),
    /// A session's id.
    Session(SessionId),
}

/// The text is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing there.
    #[error("the target is empty: type APP/ATTACHMENT, for example sushi/DATABASE")]
    Empty,
    /// A character that no name has.
    #[error("{0:?} is not a target: type APP/ATTACHMENT, for example sushi/DATABASE")]
    Malformed(String),
}

/// Heroku's names are far shorter; this only keeps nonsense out of requests and logs.
const MAX_NAME: usize = 128;

impl Target {
    /// From `--app` and `--addon`, as the existing client spells them.
    ///
    /// # Errors
    /// When a part is empty or holds a character that no name has.
    pub fn from_parts(app: &str, attachment: Option<&str>) -> Result<Self, TargetError> {
        let app = name(app, app)?;
        match attachment {
            Some(text) => Ok(Self::Attachment { app, attachment: name(text, text)? }),
            None => Ok(Self::Name(app)),
        }
    }

    /// Whether an open session is one that this target means.
    #[must_use]
    pub fn matches(&self, session: &Session) -> bool {
        match self {
            Self::Session(id) => session.id == *id,
            Self::Name(name) => session.app.eq_ignore_ascii_case(name) || is_addon(name, session),
            Self::Attachment { app, attachment } => {
                let same = |typed: &str| {
                    session.attachment.eq_ignore_ascii_case(typed) || is_addon(typed, session)
                };
                session.app.eq_ignore_ascii_case(app)
                    && (same(attachment) || same(canonical_attachment(attachment)))
            }
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        let halves = text.split_once("::").or_else(|| text.split_once('/'));
        match halves {
            Some((app, attachment)) => {
                Ok(Self::Attachment { app: name(app, text)?, attachment: name(attachment, text)? })
            }
            None if text.starts_with(SessionId::PREFIX) => text
                .parse()
                .map(Self::Session)
                .map_err(|_not_an_id| TargetError::Malformed(text.to_owned())),
            None => Ok(Self::Name(name(text, text)?)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attachment { app, attachment } => write!(f, "{app}/{attachment}"),
            Self::Name(name) => f.write_str(name),
            Self::Session(id) => id.fmt(f),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

/// An add-on has two names: the one that people read, and its UUID.
fn is_addon(typed: &str, session: &Session) -> bool {
    let id = session.addon_id.as_deref();
    session.addon.eq_ignore_ascii_case(typed) || id.is_some_and(|id| id.eq_ignore_ascii_case(typed))
}

/// A name goes into URLs and messages: only what Heroku's names are made of gets through.
fn name(part: &str, whole: &str) -> Result<String, TargetError> {
    if whole.is_empty() {
        return Err(TargetError::Empty);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if part.is_empty() || part.len() > MAX_NAME || !part.chars().all(plain) {
        return Err(TargetError::Malformed(whole.chars().take(MAX_NAME).collect()));
    }
    Ok(part.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attachment(app: &str, attachment: &str) -> Target {
        Target::Attachment { app: app.into(), attachment: attachment.into() }
    }

    #[test]
    fn the_grammar() {
        let table = [
            ("sushi/DATABASE", attachment("sushi", "DATABASE")),
            ("sushi::DATABASE", attachment("sushi", "DATABASE")),
            ("sushi/DATABASE_URL", attachment("sushi", "DATABASE_URL")),
            ("sushi", Target::Name("sushi".into())),
            ("borealis-pg-hex-12345", Target::Name("borealis-pg-hex-12345".into())),
            (
                "01234567-89ab-cdef-0123-456789abcdef",
                Target::Name("01234567-89ab-cdef-0123-456789abcdef".into()),
            ),
            ("ses_7k2m", Target::Session(SessionId::new("7k2m"))),
        ];
        for (text, target) in table {
            assert_eq!(text.parse::<Target>(), Ok(target), "{text}");
        }
    }

    #[test]
    fn what_a_session_answers_to() {
        let golden = include_str!("../tests/golden/session-addon-id.v1.json");
        let session: Session = serde_json::from_str(golden).unwrap();
        let older = Session { addon_id: None, ..session.clone() };
        let id = "01234567-89ab-cdef-0123-456789abcdef";
        let table = [
            ("sushi", true, true),
            ("sushi/DATABASE", true, true),
            ("sushi/DATABASE_URL", true, true),
            ("borealis-pg-hex-12345", true, true),
            ("sushi/borealis-pg-hex-12345", true, true),
            (id, true, false),
            ("01234567-89AB-CDEF-0123-456789ABCDEF", true, false),
            ("sushi/01234567-89ab-cdef-0123-456789abcdef", true, false),
            ("maki/01234567-89ab-cdef-0123-456789abcdef", false, false),
            ("11234567-89ab-cdef-0123-456789abcdef", false, false),
            ("maki", false, false),
        ];
        for (typed, matches, matches_older) in table {
            let target: Target = typed.parse().unwrap();
            assert_eq!(target.matches(&session), matches, "{typed}");
            assert_eq!(target.matches(&older), matches_older, "{typed}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "/", "a/", "/b", "a//b", "a/b/c", "a b", "a/../b", "ses_", "ses_A!", "ü"]
        {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_config_vars_name_is_the_attachments() {
        assert_eq!(canonical_attachment("DATABASE_URL"), "DATABASE");
        assert_eq!(canonical_attachment("DATABASE"), "DATABASE");
        assert_eq!(canonical_attachment("_URL"), "_URL");
    }

    proptest! {
        #[test]
        fn what_parses_reads_back(text in "[a-z/_:A-Z0-9-]{0,40}") {
            if let Ok(target) = text.parse::<Target>() {
                prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
            }
        }

        #[test]
        fn no_text_breaks_the_parser(text in any::<String>()) {
            let _ = text.parse::<Target>();
        }
    }
}
