//! `GET /v1/events`: a snapshot first, then every change, one JSON a line.

use serde::{Deserialize, Serialize};

use crate::session::{Session, SessionId};

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// All sessions as they are when the stream starts.
    Snapshot {
        /// By app, attachment, access.
        sessions: Vec<Session>,
    },
    /// A session is new, or its state changed. Traffic alone is no event.
    Session {
        /// As it is now.
        session: Box<Session>,
    },
    /// A session is gone.
    Closed {
        /// Which.
        id: SessionId,
    },
    /// From a newer daemon.
    #[serde(other)]
    Unknown,
}
