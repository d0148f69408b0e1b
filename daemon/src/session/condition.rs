//! How a session is, derived from the two things it stands on and never stored.

use borealis_proto::{ErrorCode, Reason, SessionState};
use jiff::Timestamp;

use crate::tunnel::{Phase, Status};

/// All that the answer depends on.
pub(super) struct Facts<'a> {
    pub(super) tunnel: &'a Status,
    pub(super) database: &'a Status,
    /// Why the endpoint is not bound, if it is not.
    pub(super) unbound: Option<&'a Reason>,
    /// Why Postgres could not be reached through a tunnel that is up.
    pub(super) unreachable: Option<&'a Reason>,
    pub(super) was_up: bool,
    pub(super) closing: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) state: SessionState,
    pub(super) reason: Option<Reason>,
    pub(super) attempt: u32,
    pub(super) next_retry_at: Option<Timestamp>,
}

impl Condition {
    pub(super) fn derive(facts: &Facts<'_>) -> Self {
        if facts.closing {
            return Self::of(SessionState::Closing, says(ErrorCode::Closing, "closing"));
        }
        if let Some(reason) = facts.unbound {
            return Self::of(SessionState::Blocked, reason.clone());
        }
        // Of the two, the one that is worse off says what to show.
        let worse =
            if rank(facts.database) > rank(facts.tunnel) { facts.database } else { facts.tunnel };
        let state = match (worse.phase, facts.was_up) {
            (Phase::Ready, _) => {
                return Self {
                    state: SessionState::Up,
                    // Nothing of ours is wrong, and nobody can use it: both are said.
                    reason: facts.unreachable.cloned(),
                    attempt: 0,
                    next_retry_at: None,
                };
            }
            (Phase::Ended, _) => SessionState::Closing,
            (Phase::Blocked, _) => SessionState::Blocked,
            (Phase::Working | Phase::Waiting, true) => SessionState::Reconnecting,
            (Phase::Working | Phase::Waiting, false) => SessionState::Opening,
        };
        let reason = match &worse.failure {
            Some(failure) => failure.reason.clone(),
            None => says(ErrorCode::Opening, "the first try is under way"),
        };
        Self {
            attempt: worse.failures,
            next_retry_at: worse.next_retry_at,
            ..Self::of(state, reason)
        }
    }

    fn of(state: SessionState, reason: Reason) -> Self {
        Self { state, reason: Some(reason), attempt: 0, next_retry_at: None }
    }
}

fn says(code: ErrorCode, message: &str) -> Reason {
    Reason { code, message: message.to_owned(), hint: None }
}

fn rank(status: &Status) -> u8 {
    match (status.phase, &status.failure) {
        (Phase::Ready, _) => 0,
        (Phase::Working, None) => 1,
        (Phase::Working | Phase::Waiting, _) => 2,
        (Phase::Blocked, _) => 3,
        (Phase::Ended, _) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Failure, Fault};

    fn status(phase: Phase, code: Option<ErrorCode>) -> Status {
        let failure = code.map(|code| Failure::new(Fault::Transient, code, "x"));
        Status { phase, failures: u32::from(code.is_some()), failure, ..Status::new() }
    }

    #[test]
    fn the_table() {
        use ErrorCode as C;
        use SessionState as S;
        let ready = status(Phase::Ready, None);
        let first_try = status(Phase::Working, None);
        let refused = status(Phase::Blocked, Some(C::LoginRequired));
        let waiting = status(Phase::Waiting, Some(C::LinkLost));
        let table = [
            (&ready, &ready, false, S::Up, None),
            (&ready, &first_try, false, S::Opening, Some(C::Opening)),
            (&first_try, &ready, true, S::Reconnecting, Some(C::Opening)),
            (&waiting, &ready, true, S::Reconnecting, Some(C::LinkLost)),
            (&waiting, &ready, false, S::Opening, Some(C::LinkLost)),
            (&waiting, &refused, true, S::Blocked, Some(C::LoginRequired)),
            (&refused, &ready, true, S::Blocked, Some(C::LoginRequired)),
        ];
        for (tunnel, database, was_up, state, code) in table {
            let facts = Facts {
                tunnel,
                database,
                unbound: None,
                unreachable: None,
                was_up,
                closing: false,
            };
            let condition = Condition::derive(&facts);
            assert_eq!(condition.state, state, "{tunnel:?} {database:?}");
            assert_eq!(condition.reason.map(|reason| reason.code), code);
        }
    }

    #[test]
    fn an_endpoint_that_is_not_bound_blocks_and_closing_hides_all_else() {
        let ready = status(Phase::Ready, None);
        let taken = says(ErrorCode::PortTaken, "taken");
        let mut facts = Facts {
            tunnel: &ready,
            database: &ready,
            unbound: Some(&taken),
            unreachable: None,
            was_up: true,
            closing: false,
        };
        assert_eq!(Condition::derive(&facts).state, SessionState::Blocked);
        facts.closing = true;
        assert_eq!(Condition::derive(&facts).state, SessionState::Closing);
    }

    #[test]
    fn one_that_is_up_says_that_postgres_is_not() {
        let (ready, down) =
            (status(Phase::Ready, None), status(Phase::Waiting, Some(ErrorCode::LinkLost)));
        let refused = says(ErrorCode::DatabaseUnreachable, "refused");
        let shown = |tunnel| {
            let unreachable = Some(&refused);
            let (unbound, was_up, closing) = (None, true, false);
            let database = &ready;
            Condition::derive(&Facts { tunnel, database, unbound, unreachable, was_up, closing })
        };
        assert_eq!(shown(&ready).state, SessionState::Up);
        assert_eq!(shown(&ready).reason, Some(refused.clone()));
        assert_eq!(shown(&down).reason.unwrap().code, ErrorCode::LinkLost, "which explains it");
    }
}
