//! What can go wrong between us and Heroku, and what to type then.

use std::time::Duration;

use borealis_proto::ErrorCode;

use super::login::LoginError;
use crate::fault::{Failure, Fault};
use crate::http;

const LOG_IN: &str = "log in with `heroku login`";

/// Why Heroku did not do what it was asked, or why a target means nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No login to ask with.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// No answer, or none that can be read.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// 401.
    #[error("Heroku does not accept the login any more{0}")]
    LoginRefused(Said),
    /// 403 `two_factor`.
    #[error("Heroku asks for a second factor")]
    TwoFactor,
    /// 403 for any other reason.
    #[error("Heroku does not let this login do that{0}")]
    Forbidden(Said),
    /// 404.
    #[error("Heroku knows no such thing{0}")]
    NotFound(Said),
    /// 400, 402, 409, 422: what was asked for cannot be done.
    #[error("Heroku refuses that{0}")]
    Refused(Said),
    /// 429.
    #[error("Heroku got too many requests and asks to wait {} s", .0.as_secs())]
    RateLimited(Duration),
    /// 5xx.
    #[error("Heroku is unavailable ({status}){said}")]
    Unavailable {
        /// What it answered.
        status: u16,
        /// Its words.
        said: Said,
    },
    /// A status that it never should answer.
    #[error("Heroku answered {status}{said}")]
    Misbehaved {
        /// What it answered.
        status: u16,
        /// Its words.
        said: Said,
    },
    /// An attachment came without a name, its add-on's or its app's, or with one that is none.
    #[error("Add-on service is temporarily unavailable.")]
    Nameless,
    /// Nothing is attached under this name.
    #[error("no add-on is attached to app {app} as {attachment}")]
    NotAttached {
        /// As it was typed.
        app: String,
        /// As it was typed.
        attachment: String,
    },
    /// The add-on is of another service.
    #[error("{0} is not a Borealis Isolated Postgres add-on")]
    NotOurs(String),
    /// The app is there, and has none of our add-ons.
    #[error("app {0} has no Borealis Isolated Postgres add-on")]
    NoneInApp(String),
    /// The app has more than one of our add-ons.
    #[error("app {app} has {} Borealis Isolated Postgres add-ons: {}", choices.len(), choices.join(", "))]
    Ambiguous {
        /// The app.
        app: String,
        /// Targets, each of which means one of them.
        choices: Vec<String>,
    },
    /// The add-on is attached to no app.
    #[error("add-on {0} is attached to no app")]
    Unattached(String),
    /// Neither an app nor an add-on.
    #[error("{0} is neither an app nor an add-on that this Heroku login can see")]
    Unknown(String),
    /// A session's id means nothing to Heroku.
    #[error("no session {0} is open")]
    NoSession(String),
}

/// The other side's own words, fit to be shown, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said(Option<String>);

impl Error {
    /// What an answer that is no success means.
    pub(super) fn of(answer: &http::Answer) -> Self {
        let said = Said(answer.text("message"));
        match answer.status().as_u16() {
            401 => Self::LoginRefused(said),
            403 if answer.text("id").as_deref() == Some("two_factor") => Self::TwoFactor,
            403 => Self::Forbidden(said),
            404 => Self::NotFound(said),
            400 | 402 | 409 | 422 => Self::Refused(said),
            429 => Self::RateLimited(answer.pause()),
            status @ 500.. => Self::Unavailable { status, said },
            status => Self::Misbehaved { status, said },
        }
    }

    /// How it is treated, and what people are told.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self.hint() {
            Some(hint) => self.without_hint().hint(hint),
            None => self.without_hint(),
        }
    }

    fn without_hint(&self) -> Failure {
        let failed = |fault, code| Failure::new(fault, code, self.to_string());
        let blocked = |code| failed(Fault::Blocked { recheck: None }, code);
        let missing = || failed(Fault::Missing, ErrorCode::TargetNotFound);
        match self {
            Self::Http(error) => error.failure(),
            Self::Login(_) | Self::LoginRefused(_) | Self::Forbidden(_) => {
                blocked(ErrorCode::LoginRequired)
            }
            Self::TwoFactor => blocked(ErrorCode::TwoFactorRequired),
            Self::Refused(_) => failed(Fault::Transient, ErrorCode::Refused),
            Self::Ambiguous { .. } => blocked(ErrorCode::TargetAmbiguous),
            Self::NoSession(_) => blocked(ErrorCode::SessionNotFound),
            Self::RateLimited(pause) => {
                failed(Fault::Paced { first: *pause, ceiling: *pause }, ErrorCode::RateLimited)
            }
            Self::Unavailable { .. } | Self::Nameless => {
                failed(Fault::Transient, ErrorCode::ServiceUnavailable)
            }
            Self::Misbehaved { .. } => failed(Fault::Transient, ErrorCode::ServiceMisbehaved),
            Self::NotFound(_)
            | Self::NotAttached { .. }
            | Self::NotOurs(_)
            | Self::NoneInApp(_)
            | Self::Unattached(_)
            | Self::Unknown(_) => missing(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Login(_) | Self::LoginRefused(_) => Some(LOG_IN.to_owned()),
            Self::Forbidden(_) => Some("log in with `heroku login` as somebody who may".to_owned()),
            Self::TwoFactor => Some(
                "type the command at a terminal, where it can ask for the code, or set \
                     HEROKU_API_KEY to a token of `heroku authorizations:create`"
                    .to_owned(),
            ),
            Self::NotAttached { app, .. } | Self::NoneInApp(app) => {
                Some(format!("see what is attached with `heroku addons -a {app}`"))
            }
            Self::NotFound(_) | Self::NotOurs(_) | Self::Unknown(_) => {
                Some("see what there is with `heroku addons --all`".to_owned())
            }
            Self::Unattached(addon) => {
                Some(format!("attach it with `heroku addons:attach {addon} -a APP`"))
            }
            Self::Ambiguous { .. } => Some("name one of them".to_owned()),
            Self::NoSession(_) => Some("see what is open with: borealisctl ls".to_owned()),
            Self::Http(_)
            | Self::Refused(_)
            | Self::RateLimited(_)
            | Self::Unavailable { .. }
            | Self::Misbehaved { .. }
            | Self::Nameless => None,
        }
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(text) => write!(f, " (it says: {text})"),
            None => Ok(()),
        }
    }
}
