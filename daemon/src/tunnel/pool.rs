//! Which link a new connection gets, and when there ought to be another.
//!
//! Connections of one link wait for each other: behind bulk always, behind a client that does not
//! read for ever. So a new one goes to the idlest link, and while connections are open one idle link
//! is kept ready for the next.

use super::traits::Load;

/// The best of these links; the first of equals, which is the one that the supervisor keeps up.
pub(super) fn idlest(loads: &[Load]) -> Option<usize> {
    let rank = |load: &Load| (load.stalled, load.bulk && load.channels > 0, load.channels);
    let ranked = loads.iter().enumerate().min_by_key(|(_, load)| rank(load));
    ranked.map(|(index, _)| index)
}

/// Whether another link should be made. At most `most`, but for the links that wait for clients
/// that do not read: they are of no use to anybody else, and allowed for once more.
pub(super) fn wants_another(loads: &[Load], most: usize) -> bool {
    let used = loads.iter().any(|load| load.channels > 0);
    let stalled = loads.iter().filter(|load| load.stalled).count();
    let room = loads.len() < most + stalled.min(most);
    used && room && !loads.iter().any(is_idle)
}

/// Whether nothing is lost when one more of these links is closed: another idle one stays, or
/// nobody is there who might want it.
pub(super) fn has_spare(others: &[Load]) -> bool {
    others.iter().any(is_idle) || others.iter().all(|load| load.channels == 0)
}

pub(super) fn is_idle(load: &Load) -> bool {
    load.channels == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Load = Load { channels: 0, bulk: false, stalled: false };
    const ONE: Load = Load { channels: 1, bulk: false, stalled: false };
    const TWO: Load = Load { channels: 2, bulk: false, stalled: false };
    const BULK: Load = Load { channels: 1, bulk: true, stalled: false };
    const STALLED: Load = Load { channels: 1, bulk: false, stalled: true };

    #[test]
    fn a_new_connection_goes_where_it_waits_least() {
        for (loads, best) in [
            (&[][..], None),
            (&[ONE], Some(0)),
            (&[ONE, IDLE], Some(1)),
            (&[IDLE, IDLE], Some(0)),
            (&[TWO, ONE], Some(1)),
            (&[BULK, TWO], Some(1)),
            (&[STALLED, BULK], Some(1)),
            (&[STALLED, STALLED], Some(0)),
            // Its bulk has just ended.
            (&[ONE, Load { channels: 0, ..BULK }], Some(1)),
        ] {
            assert_eq!(idlest(loads), best, "{loads:?}");
        }
    }

    #[test]
    fn one_idle_link_is_kept_ready_while_others_are_used() {
        for (loads, most, wanted) in [
            (&[][..], 4, false),
            (&[IDLE], 4, false),
            (&[ONE], 4, true),
            (&[ONE, IDLE], 4, false),
            (&[ONE, TWO], 4, true),
            (&[ONE], 1, false),
            (&[ONE, BULK], 2, false),
            (&[ONE, STALLED], 2, true),
            (&[STALLED, STALLED], 2, true),
            (&[STALLED, STALLED, ONE, ONE], 2, false),
            (&[STALLED, STALLED, STALLED, STALLED], 2, false),
            (&[STALLED], 1, true),
        ] {
            assert_eq!(wants_another(loads, most), wanted, "{loads:?} of {most}");
        }
    }

    #[test]
    fn what_nobody_needs_is_closed() {
        assert!(has_spare(&[IDLE]), "nobody is there");
        assert!(has_spare(&[ONE, IDLE]));
        assert!(!has_spare(&[ONE]), "it is the spare");
        assert!(!has_spare(&[BULK, STALLED]));
    }
}
