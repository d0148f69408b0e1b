//! What a tunnel does next: a pure function of what it is and what happened.
//!
//! No clock, no I/O, no memory: how long to wait and which credentials to use is the supervisor's
//! business, so this table can be read, and tested, as a table.

use crate::fault::Fault;

/// What the supervisor is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Getting SSH credentials: the held ones, else new ones.
    Minting,
    /// Connecting and authenticating.
    Connecting {
        /// The credentials came from the service just now: if they are refused, asking at once
        /// for others would be a storm.
        fresh: bool,
    },
    /// A link serves.
    Up,
    /// A link serves, and its successor is being made.
    Replacing,
    /// Waiting to try again.
    Backoff {
        /// Who said how long.
        pace: Pace,
    },
    /// Somebody else answers there: needs a person, or another network.
    Elsewhere,
    /// Needs a person.
    Blocked,
    /// The end.
    Down,
}

/// Who decides how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Our own backoff: a waiting client or a wake may cut it short.
    Ours,
    /// The service asked for it: only a person may cut it short.
    Service,
}

/// Why to try now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The wait is over.
    Timer,
    /// Somebody typed it.
    User,
    /// The machine woke up, or its network changed.
    Wake,
    /// A local client is waiting.
    Demand,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// There are credentials.
    Minted {
        /// They are other ones than before.
        fresh: bool,
    },
    /// There is a link.
    Connected,
    /// The link has been well for a while.
    Settled,
    /// The thing in hand failed.
    Failed(Fault),
    /// The serving link ended.
    Lost,
    /// Try now.
    Retry(Why),
    /// Make a new link, then drop the old one.
    Replace,
    /// Nobody wants the tunnel any more.
    Stop,
}

/// What to take in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Get credentials.
    Mint,
    /// Make a link with them.
    Connect,
    /// Watch the link.
    Serve,
    /// Get credentials and make a link, while the old one serves.
    Replace,
    /// Let the backoff pass.
    Wait,
    /// Wait for a person, or until a recheck is due.
    Park,
    /// End the link and leave.
    Finish,
}

/// The next state and what to do in it; `None`: go on with what is in hand.
pub(super) fn step(state: State, event: Event) -> Option<(State, Action)> {
    use Event as E;
    use State as S;
    match (state, event) {
        (S::Down, _) => None,
        (_, E::Stop) => Some((S::Down, Action::Finish)),

        (S::Minting, E::Minted { fresh }) => Some((S::Connecting { fresh }, Action::Connect)),
        (S::Connecting { .. }, E::Connected) => Some((S::Up, Action::Serve)),
        // What is being dialled is on the network that was.
        (S::Connecting { .. }, E::Retry(Why::Wake)) => mint(),
        (S::Connecting { fresh: false }, E::Failed(Fault::StaleCredentials)) => mint(),
        (S::Minting | S::Connecting { .. }, E::Failed(fault)) => Some(after(fault)),
        (
            S::Minting | S::Connecting { .. } | S::Backoff { .. } | S::Elsewhere | S::Blocked,
            E::Replace,
        ) => mint(),

        (S::Up | S::Replacing, E::Lost) => Some(after(Fault::Transient)),
        // Begun anew while one is being made: the new wish may go further.
        (S::Up | S::Replacing, E::Replace) => Some((S::Replacing, Action::Replace)),
        (S::Up, E::Settled) => Some((S::Up, Action::Serve)),
        // The old link is better than none.
        (S::Replacing, E::Connected | E::Failed(_)) => Some((S::Up, Action::Serve)),

        (S::Backoff { .. }, E::Retry(Why::Timer | Why::User)) => mint(),
        (S::Backoff { pace: Pace::Ours }, E::Retry(Why::Wake | Why::Demand)) => mint(),
        (S::Elsewhere, E::Retry(Why::Timer | Why::User | Why::Wake))
        | (S::Blocked, E::Retry(Why::Timer | Why::User)) => mint(),

        (S::Backoff { pace: Pace::Service } | S::Blocked, E::Retry(Why::Wake | Why::Demand))
        | (S::Elsewhere, E::Retry(Why::Demand))
        | (S::Connecting { .. }, E::Retry(Why::Timer | Why::User | Why::Demand))
        | (S::Minting | S::Up | S::Replacing, E::Retry(_))
        | (S::Replacing, E::Minted { .. } | E::Settled)
        | (S::Minting, E::Connected | E::Settled | E::Lost)
        | (S::Connecting { .. }, E::Minted { .. } | E::Settled | E::Lost)
        | (S::Up, E::Minted { .. } | E::Connected | E::Failed(_))
        | (
            S::Backoff { .. } | S::Elsewhere | S::Blocked,
            E::Minted { .. } | E::Connected | E::Settled | E::Failed(_) | E::Lost,
        ) => None,
    }
}

/// Held credentials make this free, so every new try begins here.
fn mint() -> Option<(State, Action)> {
    Some((State::Minting, Action::Mint))
}

fn after(fault: Fault) -> (State, Action) {
    match fault {
        Fault::Transient | Fault::StaleCredentials | Fault::Missing => {
            (State::Backoff { pace: Pace::Ours }, Action::Wait)
        }
        Fault::Paced { .. } => (State::Backoff { pace: Pace::Service }, Action::Wait),
        Fault::Elsewhere => (State::Elsewhere, Action::Park),
        Fault::Blocked { .. } => (State::Blocked, Action::Park),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
