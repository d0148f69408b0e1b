//! What the world may see of something that is kept up.

use borealis_proto::Renewed;
use jiff::Timestamp;

use super::state::State;
use crate::fault::Failure;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A try is under way.
    Working,
    /// It serves.
    Ready,
    /// The next try is due later.
    Waiting,
    /// Needs a person.
    Blocked,
    /// The end.
    Ended,
}

impl Phase {
    /// Of a tunnel in this state.
    pub(super) fn of(state: State) -> Self {
        match state {
            State::Minting | State::Connecting { .. } => Self::Working,
            State::Up | State::Replacing => Self::Ready,
            State::Backoff { .. } => Self::Waiting,
            State::Elsewhere | State::Blocked => Self::Blocked,
            State::Down => Self::Ended,
        }
    }
}

/// A snapshot, published on a watch channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// How far it is.
    pub phase: Phase,
    /// Failed tries since it was last well.
    pub failures: u32,
    /// Why it is not ready. Kept while a new try is under way.
    pub failure: Option<Failure>,
    /// When the next try is due.
    pub next_retry_at: Option<Timestamp>,
    /// The last time that credentials were refused and renewed without a `refresh`.
    pub renewed: Option<Renewed>,
}

impl Status {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            phase: Phase::Working,
            failures: 0,
            failure: None,
            next_retry_at: None,
            renewed: None,
        }
    }
}

impl Default for Status {
    fn default() -> Self {
        Self::new()
    }
}
