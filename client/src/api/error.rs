//! What can go wrong between client and daemon: the way, the answer, or what the daemon says.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use borealis_proto::{ErrorCode, ErrorDetail};

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No socket, or nobody behind it.
    #[error("no borealisd listens on {path}", path = socket.display())]
    NobodyListens {
        /// The socket.
        socket: PathBuf,
    },
    /// The socket is there and cannot be used.
    #[error("cannot connect to borealisd on {path}: {source}", path = socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The daemon left in the middle of an answer.
    #[error("borealisd closed the connection: {0}")]
    Cut(#[from] hyper::Error),
    /// A stream ended before its last line.
    #[error("the answer ended early: somebody closed the session, or borealisd has stopped")]
    Truncated,
    /// A stream that has no end ended in good order.
    #[error("borealisd has stopped")]
    Stopped,
    /// The daemon does not answer.
    #[error("borealisd does not answer within {0:?}")]
    Slow(Duration),
    /// The daemon refuses, and says why.
    #[error("{}", .0.message)]
    Refused(Box<ErrorDetail>),
    /// The answer is not what this client knows.
    #[error("borealisd answers {status} with something unexpected: {source}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the JSON.
        source: serde_json::Error,
    },
    /// We cannot say what we want.
    #[error("the request cannot be written: {0}")]
    Unwritable(#[from] hyper::http::Error),
    /// We cannot say what we want as JSON.
    #[error("the request cannot be written: {0}")]
    NotJson(serde_json::Error),
    /// Not a key at all.
    #[error("HEROKU_API_KEY has characters that no API key has")]
    KeyMalformed,
}

impl Error {
    /// What to type next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Refused(detail) => return refusal_hint(detail),
            Self::NobodyListens { .. } | Self::Stopped => "borealisctl daemon start",
            Self::Unreachable { .. } | Self::Slow(_) | Self::Cut(_) | Self::Truncated => {
                "borealisctl daemon logs"
            }
            Self::Unreadable { .. } => "borealisctl daemon restart",
            Self::KeyMalformed => {
                "unset HEROKU_API_KEY, or set it to what `heroku auth:token` says"
            }
            Self::Unwritable(_) | Self::NotJson(_) => return None,
        };
        Some(hint.to_owned())
    }
}

fn refusal_hint(detail: &ErrorDetail) -> Option<String> {
    match (&detail.hint, detail.code) {
        (_, ErrorCode::TargetAmbiguous) if !detail.choices.is_empty() => {
            Some(format!("name one of them: {}", detail.choices.join(", ")))
        }
        (Some(hint), _) => Some(hint.clone()),
        (None, ErrorCode::NoSuchRoute) => {
            Some("the daemon is of an older release: borealisctl daemon restart".to_owned())
        }
        (None, _) => None,
    }
}
