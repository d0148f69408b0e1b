//! What a status of the Borealis API means. The table stands in the service's description and is
//! the same for every call.

use std::fmt;
use std::time::Duration;

use borealis_proto::ErrorCode;

use super::declined::Declined;
use crate::fault::{Failure, Fault};
use crate::http;

/// Somebody may have freed storage meanwhile.
const REVOKED_RECHECK: Duration = Duration::from_secs(15 * 60);
/// Provisioning takes minutes.
const PROVISIONING_FIRST: Duration = Duration::from_secs(30);
/// As for an upgrade: patient enough not to be a burden, quick enough to be noticed.
const PATIENCE: Duration = Duration::from_secs(150);

/// Why the service did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It answered, and the answer is no.
    #[error("{}{}", refusal.about(addon), said(service_text.as_deref()))]
    Refused {
        /// The add-on in question.
        addon: String,
        /// What the status means.
        refusal: Refusal,
        /// The service's own words, fit to be shown.
        service_text: Option<String>,
    },
    /// It answered, and the answer is no to this very call.
    #[error("{}{}", declined.about(addon), said(service_text.as_deref()))]
    Declined {
        /// The add-on in question.
        addon: String,
        /// What the status means on this call.
        declined: Declined,
        /// The service's own words, fit to be shown.
        service_text: Option<String>,
    },
    /// No answer, or none that can be read.
    #[error("add-on {addon}: {source}")]
    Http {
        /// The add-on in question.
        addon: String,
        /// What went wrong on the way.
        #[source]
        source: http::Error,
    },
}

/// What a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 401.
    Login,
    /// 403.
    AccessRevoked,
    /// 404.
    NotFound,
    /// 422.
    Provisioning,
    /// 423.
    Upgrading,
    /// 429, with how long to wait.
    RateLimited(Duration),
    /// 5xx.
    Unavailable(u16),
    /// Anything else that is no success.
    Misbehaved(u16),
}

impl Error {
    /// How it is treated, and what people are told.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let failed = |fault, code, hint: Option<String>| {
            let failure = Failure::new(fault, code, self.to_string());
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        };
        match self {
            Self::Refused { addon, refusal, .. } => {
                failed(refusal.fault(), refusal.code(), refusal.hint(addon))
            }
            Self::Declined { addon, declined, .. } => {
                failed(declined.fault(), declined.code(), declined.hint(addon))
            }
            Self::Http { source, .. } => {
                let mut failure = source.failure();
                failure.reason.message = self.to_string();
                failure
            }
        }
    }
}

impl Refusal {
    /// From an answer that is no success.
    pub(super) fn of(answer: &http::Answer) -> Self {
        match answer.status().as_u16() {
            401 => Self::Login,
            403 => Self::AccessRevoked,
            404 => Self::NotFound,
            422 => Self::Provisioning,
            423 => Self::Upgrading,
            429 => Self::RateLimited(answer.pause()),
            status @ 500.. => Self::Unavailable(status),
            status => Self::Misbehaved(status),
        }
    }

    fn fault(self) -> Fault {
        match self {
            Self::Login => Fault::Blocked { recheck: None },
            Self::AccessRevoked => Fault::Blocked { recheck: Some(REVOKED_RECHECK) },
            Self::NotFound => Fault::Missing,
            Self::Provisioning => Fault::Paced { first: PROVISIONING_FIRST, ceiling: PATIENCE },
            Self::Upgrading => Fault::Paced { first: PATIENCE, ceiling: PATIENCE },
            Self::RateLimited(pause) => Fault::Paced { first: pause, ceiling: pause },
            Self::Unavailable(_) | Self::Misbehaved(_) => Fault::Transient,
        }
    }

    fn code(self) -> ErrorCode {
        match self {
            Self::Login => ErrorCode::LoginRequired,
            Self::AccessRevoked => ErrorCode::AccessRevoked,
            Self::NotFound => ErrorCode::TargetNotFound,
            Self::Provisioning => ErrorCode::Provisioning,
            Self::Upgrading => ErrorCode::Upgrading,
            Self::RateLimited(_) => ErrorCode::RateLimited,
            Self::Unavailable(_) => ErrorCode::ServiceUnavailable,
            Self::Misbehaved(_) => ErrorCode::ServiceMisbehaved,
        }
    }

    fn about(self, addon: &str) -> String {
        match self {
            Self::Login => {
                format!("the Borealis service does not accept the Heroku login for add-on {addon}")
            }
            Self::AccessRevoked => format!(
                "access to add-on {addon} is revoked for personal users: \
                 its database has stayed over its storage limit"
            ),
            Self::NotFound => {
                format!("{addon} is not a Borealis Isolated Postgres add-on, or it is gone")
            }
            Self::Provisioning => format!("add-on {addon} is not finished provisioning"),
            Self::Upgrading => {
                format!("a PostgreSQL major version upgrade of add-on {addon} is running")
            }
            Self::RateLimited(pause) => format!(
                "the Borealis service got too many requests for add-on {addon} \
                 and asks to wait {} s",
                pause.as_secs()
            ),
            Self::Unavailable(status) => {
                format!("the Borealis service is unavailable for add-on {addon} ({status})")
            }
            Self::Misbehaved(status) => {
                format!("the Borealis service answered {status} for add-on {addon}")
            }
        }
    }

    fn hint(self, addon: &str) -> Option<String> {
        match self {
            Self::Login => Some("log in with `heroku login`".to_owned()),
            Self::AccessRevoked => {
                Some(format!("free storage or choose a larger plan, then: borealisctl up {addon}"))
            }
            Self::NotFound => Some("see what there is with `heroku addons --all`".to_owned()),
            Self::Provisioning | Self::Upgrading => {
                // Also where no session is open: after a command about the add-on itself.
                Some(format!(
                    "it goes on by itself; to wait for it: borealisctl up {addon} --timeout 10m"
                ))
            }
            Self::RateLimited(_) | Self::Unavailable(_) | Self::Misbehaved(_) => None,
        }
    }
}

/// Behind our words, the service's.
fn said(text: Option<&str>) -> impl fmt::Display {
    text.map(|text| format!(" (the service says: {text})")).unwrap_or_default()
}
