use std::time::Duration;

use proptest::prelude::*;

use super::Event as E;
use super::State as S;
use super::*;

const OURS: S = S::Backoff { pace: Pace::Ours };
const SERVICE: S = S::Backoff { pace: Pace::Service };
const FRESH: S = S::Connecting { fresh: true };
const HELD: S = S::Connecting { fresh: false };
const PACED: Fault = Fault::Paced { first: Duration::ZERO, ceiling: Duration::ZERO };
const BLOCKED: Fault = Fault::Blocked { recheck: None };

#[test]
fn the_table() {
    let table = [
        (S::Minting, E::Minted { fresh: true }, Some((FRESH, Action::Connect))),
        (S::Minting, E::Failed(Fault::Transient), Some((OURS, Action::Wait))),
        (S::Minting, E::Failed(PACED), Some((SERVICE, Action::Wait))),
        (S::Minting, E::Failed(BLOCKED), Some((S::Blocked, Action::Park))),
        (S::Minting, E::Retry(Why::User), None),
        (HELD, E::Connected, Some((S::Up, Action::Serve))),
        (HELD, E::Failed(Fault::StaleCredentials), Some((S::Minting, Action::Mint))),
        (FRESH, E::Failed(Fault::StaleCredentials), Some((OURS, Action::Wait))),
        (HELD, E::Failed(Fault::Transient), Some((OURS, Action::Wait))),
        (HELD, E::Failed(BLOCKED), Some((S::Blocked, Action::Park))),
        (HELD, E::Retry(Why::Wake), Some((S::Minting, Action::Mint))),
        (HELD, E::Retry(Why::Demand), None),
        (HELD, E::Replace, Some((S::Minting, Action::Mint))),
        (S::Up, E::Lost, Some((OURS, Action::Wait))),
        (S::Up, E::Replace, Some((S::Replacing, Action::Replace))),
        (S::Up, E::Retry(Why::Wake), None),
        (S::Replacing, E::Replace, Some((S::Replacing, Action::Replace))),
        (S::Replacing, E::Connected, Some((S::Up, Action::Serve))),
        (S::Replacing, E::Failed(BLOCKED), Some((S::Up, Action::Serve))),
        (S::Replacing, E::Lost, Some((OURS, Action::Wait))),
        (OURS, E::Retry(Why::Demand), Some((S::Minting, Action::Mint))),
        (OURS, E::Retry(Why::Wake), Some((S::Minting, Action::Mint))),
        (SERVICE, E::Retry(Why::Demand), None),
        (SERVICE, E::Retry(Why::Wake), None),
        (SERVICE, E::Retry(Why::User), Some((S::Minting, Action::Mint))),
        (S::Blocked, E::Retry(Why::Demand), None),
        (S::Blocked, E::Retry(Why::User), Some((S::Minting, Action::Mint))),
        (S::Blocked, E::Retry(Why::Timer), Some((S::Minting, Action::Mint))),
        (HELD, E::Failed(Fault::Elsewhere), Some((S::Elsewhere, Action::Park))),
        (S::Elsewhere, E::Retry(Why::Demand), None),
        (S::Elsewhere, E::Retry(Why::Wake), Some((S::Minting, Action::Mint))),
        (S::Elsewhere, E::Retry(Why::Timer), Some((S::Minting, Action::Mint))),
        (S::Elsewhere, E::Replace, Some((S::Minting, Action::Mint))),
        (S::Down, E::Retry(Why::User), None),
    ];
    for (state, event, next) in table {
        assert_eq!(step(state, event), next, "{state:?} {event:?}");
    }
}

#[test]
fn stop_ends_every_state_but_the_last() {
    for state in
        [S::Minting, FRESH, HELD, S::Up, S::Replacing, OURS, SERVICE, S::Elsewhere, S::Blocked]
    {
        assert_eq!(step(state, E::Stop), Some((S::Down, Action::Finish)), "{state:?}");
    }
    assert_eq!(step(S::Down, E::Stop), None);
}

fn events() -> impl Strategy<Value = Vec<E>> {
    let fault = prop_oneof![
        Just(Fault::Transient),
        Just(Fault::StaleCredentials),
        Just(Fault::Missing),
        Just(Fault::Elsewhere),
        Just(PACED),
        Just(BLOCKED),
    ];
    let why = prop_oneof![Just(Why::Timer), Just(Why::User), Just(Why::Wake), Just(Why::Demand)];
    let one = prop_oneof![
        any::<bool>().prop_map(|fresh| E::Minted { fresh }),
        Just(E::Connected),
        Just(E::Settled),
        fault.prop_map(E::Failed),
        Just(E::Lost),
        why.prop_map(E::Retry),
        Just(E::Replace),
    ];
    prop::collection::vec(one, 0..60)
}

/// What is taken in hand in each state, and nothing else.
fn fits(state: S, action: Action) -> bool {
    let due = match state {
        S::Minting => Action::Mint,
        S::Connecting { .. } => Action::Connect,
        S::Up => Action::Serve,
        S::Replacing => Action::Replace,
        S::Backoff { .. } => Action::Wait,
        S::Elsewhere | S::Blocked => Action::Park,
        S::Down => Action::Finish,
    };
    action == due
}

/// What happens in a world that is well, once a wait is over.
fn when_well(state: S) -> E {
    match state {
        S::Minting => E::Minted { fresh: false },
        S::Connecting { .. } | S::Replacing => E::Connected,
        S::Backoff { .. } | S::Elsewhere | S::Blocked => E::Retry(Why::Timer),
        S::Up | S::Down => E::Settled,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// However it came to where it is: the right thing is in hand, new keys that are refused are not
    /// replaced at once, only a person shortens a wait that the service asked for, and in a world that
    /// is well it is up three steps later.
    #[test]
    fn every_walk_is_civil_and_ends_well(events in events()) {
        let mut state = S::Minting;
        for event in events {
            let Some((next, action)) = step(state, event) else { continue };
            prop_assert!(fits(next, action), "{state:?} {event:?}: {next:?} {action:?}");
            let refused = event == E::Failed(Fault::StaleCredentials);
            prop_assert!(!(state == FRESH && refused && action == Action::Mint), "a storm");
            let told_to_wait = matches!(state, SERVICE | S::Blocked);
            let pressed = matches!(event, E::Retry(Why::Wake | Why::Demand));
            prop_assert!(!(told_to_wait && pressed), "{state:?} {event:?}");
            let serves = matches!(state, S::Up | S::Replacing);
            prop_assert!(!serves || matches!(next, S::Up | S::Replacing) || event == E::Lost);
            state = next;
        }
        for _ in 0..3 {
            state = step(state, when_well(state)).map_or(state, |(next, _)| next);
        }
        prop_assert_eq!(state, S::Up);
    }
}
