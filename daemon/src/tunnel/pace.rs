//! How long to wait before the next try, and when to believe that a thing is gone.

use std::time::Duration;

use tokio::time::Instant;

use crate::fault::Fault;

/// Before the first new try; doubles from there.
const FIRST: Duration = Duration::from_millis(500);
/// The longest of our own waits.
const CEILING: Duration = Duration::from_secs(30);
/// The same where each try asks Heroku twice, and the service. Heroku takes some 4,500 requests an
/// hour of an account, and a user may have ten credentials that are all away at once.
const ASKING_CEILING: Duration = Duration::from_secs(2 * 60);
/// No two tries that ask the service, and that waiting clients press for, are closer together.
pub const ASKING_EVERY: Duration = Duration::from_secs(10);
/// Until another look at what is believed to be gone: it may have been the service that was.
const GONE: Duration = Duration::from_secs(15 * 60);
/// Until another look at who answers, where it was somebody else.
const ELSEWHERE: Duration = Duration::from_secs(5 * 60);
/// How many times in a row a service must say "no such thing" to be believed.
const MISSING_BELIEVED: u32 = 3;

/// Credentials whose server nobody has reached for so long may lead to where it no longer is …
const ASTRAY: Duration = Duration::from_secs(5 * 60);
/// … and may do so still. Doubles from there: a network without a way to it is the likelier reason,
/// and asking may take the key from another machine.
const STILL_ASTRAY: Duration = Duration::from_secs(60 * 60);
/// The longest of these.
const ASTRAY_CEILING: Duration = Duration::from_secs(24 * 60 * 60);

/// Counts failures since the thing was last well.
#[derive(Debug, Default)]
pub struct Pacer {
    failures: u32,
    missing: u32,
    paced: u32,
}

impl Pacer {
    /// Failed tries since it was last well.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Well for long enough to forget the past.
    pub fn settled(&mut self) {
        *self = Self::default();
    }

    /// A try failed. Turns the third [`Fault::Missing`] in a row into a block, and says how long
    /// to wait; `None`: until somebody helps.
    pub fn failed(&mut self, fault: Fault) -> (Fault, Option<Duration>) {
        self.failed_within(fault, CEILING)
    }

    /// The same of a try that asked the service.
    pub fn failed_to_ask(&mut self, fault: Fault) -> (Fault, Option<Duration>) {
        self.failed_within(fault, ASKING_CEILING)
    }

    fn failed_within(&mut self, fault: Fault, ceiling: Duration) -> (Fault, Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        self.missing = if fault == Fault::Missing { self.missing + 1 } else { 0 };
        self.paced = if matches!(fault, Fault::Paced { .. }) { self.paced + 1 } else { 0 };
        match fault {
            Fault::Missing if self.missing >= MISSING_BELIEVED => {
                (Fault::Blocked { recheck: Some(GONE) }, Some(GONE))
            }
            Fault::Transient | Fault::StaleCredentials | Fault::Missing => {
                (fault, Some(jittered(doubled(FIRST, self.failures - 1, ceiling))))
            }
            Fault::Paced { first, ceiling } => {
                (fault, Some(doubled(first, self.paced - 1, ceiling)))
            }
            Fault::Elsewhere => (fault, Some(ELSEWHERE)),
            Fault::Blocked { recheck } => (fault, recheck),
        }
    }

    /// What was well broke: the first new try is at once, unless it keeps breaking.
    pub fn lost(&mut self) -> Duration {
        let wait = match self.failures {
            0 => Duration::ZERO,
            failures => jittered(doubled(FIRST, failures - 1, CEILING)),
        };
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

/// For how long nobody has answered where credentials lead. The service moves databases, and says
/// where to only with new ones.
#[derive(Debug, Default)]
pub struct Unreached {
    doubt_at: Option<Instant>,
    doubts: u32,
}

impl Unreached {
    /// Nobody answered again. Says whether it is time to ask whether that is the right place.
    pub fn again(&mut self) -> bool {
        let now = Instant::now();
        let due = now >= *self.doubt_at.get_or_insert(now + ASTRAY);
        if due {
            self.doubt_at = Some(now + doubled(STILL_ASTRAY, self.doubts, ASTRAY_CEILING));
            self.doubts += 1;
        }
        due
    }

    /// Somebody did.
    pub fn over(&mut self) {
        *self = Self::default();
    }
}

fn doubled(first: Duration, times: u32, ceiling: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(ceiling)
}

/// Full jitter: daemons that lost the same server do not come back as one crowd.
fn jittered(most: Duration) -> Duration {
    most.mul_f64(rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn our_own_wait_grows_within_its_bounds() {
        let mut pacer = Pacer::default();
        for (failure, most) in [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (40, 30.0)] {
            while pacer.failures() + 1 < failure {
                pacer.failed(Fault::Transient);
            }
            let (_, wait) = pacer.failed(Fault::Transient);
            assert!(wait.unwrap() <= Duration::from_secs_f64(most), "{failure}: {wait:?}");
        }
    }

    #[test]
    fn who_asks_the_service_waits_longer_in_the_end() {
        let mut pacer = Pacer::default();
        let waits = (0..1_000).filter_map(|_| pacer.failed_to_ask(Fault::Transient).1);
        let longest = waits.max().unwrap();
        assert!(CEILING < longest && longest <= ASKING_CEILING, "{longest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_where_nobody_answers_is_doubted_after_a_while_and_then_seldom() {
        let mut unreached = Unreached::default();
        let mut doubts = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(90 * 60 * 60) {
            if unreached.again() {
                doubts.push(begun.elapsed().as_secs() / 60 / 5);
            }
            tokio::time::advance(Duration::from_secs(30)).await;
        }
        // In five minutes: after five of them, then 1, 2, 4, 8, 16, 24 and 24 hours later.
        assert_eq!(doubts, [1, 13, 37, 85, 181, 373, 661, 949]);
        unreached.over();
        assert!(!unreached.again());
    }

    #[test]
    fn a_loss_after_a_good_time_is_mended_at_once_but_not_twice() {
        let mut pacer = Pacer::default();
        assert_eq!(pacer.lost(), Duration::ZERO);
        assert!(pacer.lost() <= FIRST);
        assert_eq!(pacer.failures(), 2);
        pacer.settled();
        assert_eq!(pacer.lost(), Duration::ZERO);
    }

    #[test]
    fn the_services_own_pace_is_kept_to_the_letter() {
        let provisioning =
            Fault::Paced { first: Duration::from_secs(30), ceiling: Duration::from_secs(150) };
        let mut pacer = Pacer::default();
        let waits: Vec<_> =
            (0..5).map(|_| pacer.failed(provisioning).1.unwrap().as_secs()).collect();
        assert_eq!(waits, [30, 60, 120, 150, 150]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever fails, and in whatever order.
        #[test]
        fn no_wait_is_out_of_its_bounds(faults in prop::collection::vec(0u8..7, 0..100)) {
            let mut pacer = Pacer::default();
            let paced = |first, ceiling| Fault::Paced {
                first: Duration::from_secs(first),
                ceiling: Duration::from_secs(ceiling),
            };
            for fault in faults {
                let most = doubled(FIRST, pacer.failures(), CEILING);
                prop_assert!(FIRST <= most && most <= CEILING);
                let (fault, wait) = match fault {
                    0 => {
                        pacer.settled();
                        continue;
                    }
                    1 => pacer.failed(Fault::StaleCredentials),
                    2 => pacer.failed(paced(30, 150)),
                    3 => pacer.failed(paced(77, 77)),
                    4 => pacer.failed(Fault::Missing),
                    5 => pacer.failed(Fault::Elsewhere),
                    _ => pacer.failed(Fault::Transient),
                };
                match fault {
                    Fault::Paced { first, ceiling } => {
                        let wait = wait.unwrap();
                        prop_assert!(first <= wait && wait <= ceiling, "{fault:?}: {wait:?}");
                    }
                    Fault::Blocked { recheck } => prop_assert_eq!(wait, recheck),
                    Fault::Elsewhere => prop_assert_eq!(wait, Some(ELSEWHERE)),
                    Fault::Transient | Fault::StaleCredentials | Fault::Missing => {
                        prop_assert!(wait.unwrap() <= most, "{wait:?} of {most:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn missing_is_believed_at_the_third_time_in_a_row() {
        let mut pacer = Pacer::default();
        let mut verdict = |fault| pacer.failed(fault).0;
        let blocked = Fault::Blocked { recheck: Some(GONE) };
        assert_eq!(verdict(Fault::Missing), Fault::Missing);
        assert_eq!(verdict(Fault::Missing), Fault::Missing);
        assert_eq!(verdict(Fault::Transient), Fault::Transient);
        assert_eq!(verdict(Fault::Missing), Fault::Missing);
        assert_eq!(verdict(Fault::Missing), Fault::Missing);
        assert_eq!(verdict(Fault::Missing), blocked);
    }
}
