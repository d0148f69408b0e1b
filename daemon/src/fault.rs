//! How a failure is treated, said once: every room that can fail translates its errors to this.
//!
//! Classify first, then retry. The supervisor acts on the [`Fault`] and never looks at the error;
//! people see the [`Reason`].

use std::time::Duration;

use borealis_proto::{ErrorCode, Reason};

/// What a failure asks of whoever wanted the thing that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Passes by itself: back off and try again.
    Transient,
    /// The other side no longer takes these credentials: get new ones, then try again.
    StaleCredentials,
    /// The service says how patient to be: wait `first`, doubling up to `ceiling`.
    Paced {
        /// Before the first new try.
        first: Duration,
        /// Never longer than this.
        ceiling: Duration,
    },
    /// Not there. Believed at the third time in a row: services forget for a moment.
    Missing,
    /// Whoever answers there is not the one that was meant. As [`Fault::Blocked`], but a network
    /// that lies about names is left behind one day: another network is another try, and so is a
    /// while. Nothing is sent to the wrong one by it.
    Elsewhere,
    /// Needs a person.
    Blocked {
        /// Look again by ourselves after this long, in case somebody has helped.
        recheck: Option<Duration>,
    },
}

/// A failure, classified, in words for people. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub fault: Fault,
    /// What to say about it.
    pub reason: Reason,
}

impl Failure {
    /// A failure without a hint.
    #[must_use]
    pub fn new(fault: Fault, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { fault, reason: Reason { code, message: message.into(), hint: None } }
    }

    /// Adds what to type next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.reason.hint = Some(hint.into());
        self
    }
}
