//! What a session remembers of its past.

use borealis_proto::{Reason, Renewed};
use jiff::Timestamp;

use super::condition::{Condition, Facts};
use crate::credentials::Generation;
use crate::instant;

/// What the derived condition cannot know: the past.
pub(super) struct Memory {
    pub(super) was_up: bool,
    /// It came up, and nobody has proved the path since.
    pub(super) unproved: bool,
    pub(super) unbound: Option<Reason>,
    /// Why the last proof failed although the tunnel is up.
    pub(super) unreachable: Option<Reason>,
    pub(super) shown: Condition,
    /// What else was told of.
    pub(super) told: Told,
    pub(super) since: Timestamp,
}

/// What an event tells besides the condition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Of the database credentials.
    pub(super) generation: Option<Generation>,
    pub(super) renewed: Option<Renewed>,
    pub(super) moved_to: Option<String>,
}

impl Memory {
    pub(super) fn new() -> Self {
        let nothing = crate::tunnel::Status::new();
        let facts = Facts {
            tunnel: &nothing,
            database: &nothing,
            unbound: None,
            unreachable: None,
            was_up: false,
            closing: false,
        };
        Self {
            was_up: false,
            unproved: false,
            unbound: None,
            unreachable: None,
            shown: Condition::derive(&facts),
            told: Told::default(),
            since: instant::now(),
        }
    }
}
