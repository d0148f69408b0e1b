//! `GET /v1/doctor`: what is well and what is not, a check a line. The client makes checks of its
//! own in the same form and prints both.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::session::{Reason, SessionId};

/// How a check turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Well.
    Ok,
    /// It works, and a person should know.
    Warning,
    /// It does not work.
    Problem,
    /// From a newer peer.
    #[serde(other)]
    Unknown,
}

/// One check and its outcome. No secret in any of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at: `login`, `session`, …. The names stay; there may be new ones.
    pub name: String,
    /// How it turned out.
    pub verdict: Verdict,
    /// What was found.
    pub message: String,
    /// What to type next, where something is not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Why it is not well, for programs, where the API has a word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// The session, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// When the session's path was last proved, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved_at: Option<Timestamp>,
}

/// The answer of `GET /v1/doctor`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkup {
    /// In the order in which they are shown.
    pub checks: Vec<Check>,
}

impl Check {
    /// The client's check whether the daemon answers.
    pub const DAEMON: &'static str = "daemon";

    /// One that is well.
    #[must_use]
    pub fn ok(name: &str, message: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, message.into())
    }

    /// One that works, and that a person should know of.
    #[must_use]
    pub fn warning(name: &str, message: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warning, message.into())
    }

    /// One that does not work.
    #[must_use]
    pub fn problem(name: &str, message: impl Into<String>) -> Self {
        Self::new(name, Verdict::Problem, message.into())
    }

    /// One that does not work, for a reason that says the rest.
    #[must_use]
    pub fn because(name: &str, reason: Reason) -> Self {
        let Reason { code, message, hint } = reason;
        Self { code: Some(code), hint, ..Self::problem(name, message) }
    }

    /// Says what to type next, unless that is said already.
    #[must_use]
    pub fn or_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    fn new(name: &str, verdict: Verdict, message: String) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            message,
            hint: None,
            code: None,
            session: None,
            proved_at: None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hint_stays() {
        let reason = |hint: Option<&str>| Reason {
            code: ErrorCode::LoginRequired,
            message: "no login".to_owned(),
            hint: hint.map(str::to_owned),
        };
        let check = Check::because("login", reason(Some("log in"))).or_hint("ask somebody");
        assert_eq!(check.hint.as_deref(), Some("log in"));
        assert_eq!((check.verdict, check.code), (Verdict::Problem, Some(ErrorCode::LoginRequired)));
        let check = Check::because("login", reason(None)).or_hint("ask somebody");
        assert_eq!(check.hint.as_deref(), Some("ask somebody"));
    }
}
