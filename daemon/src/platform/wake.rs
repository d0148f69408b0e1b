//! Notices that the machine was asleep, so that dead links are found in seconds and not after the
//! keepalive's minute.
//!
//! Two clocks are read at each beat: one that stands still in sleep and one that does not. When
//! they drift apart, we slept.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Beat;

/// Shorter naps leave TCP connections alive; a slewed wall clock drifts by less.
const NAP: Duration = Duration::from_secs(5);

/// The two clocks. Only differences between readings mean anything.
pub trait Clocks: Send {
    /// Time that passed while the machine was awake.
    fn awake(&self) -> Duration;
    /// Time that passed, sleep included.
    fn elapsed(&self) -> Duration;
}

/// The clocks of this machine.
#[cfg(target_os = "linux")]
#[derive(Debug, Default)]
pub struct SystemClocks {
    _private: (),
}

/// The clocks of this machine.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub struct SystemClocks {
    started: tokio::time::Instant,
}

#[cfg(not(target_os = "linux"))]
impl Default for SystemClocks {
    fn default() -> Self {
        Self { started: tokio::time::Instant::now() }
    }
}

#[cfg(target_os = "linux")]
impl Clocks for SystemClocks {
    fn awake(&self) -> Duration {
        read(rustix::time::ClockId::Monotonic)
    }

    fn elapsed(&self) -> Duration {
        read(rustix::time::ClockId::Boottime)
    }
}

#[cfg(target_os = "linux")]
fn read(clock: rustix::time::ClockId) -> Duration {
    Duration::try_from(rustix::time::clock_gettime(clock)).unwrap_or_default()
}

/// macOS: the standard library's clock stands still in sleep, the wall clock does not. A wall clock
/// set forward looks like sleep, which costs a needless probe. On Windows both may run on, and the
/// keepalive has to find dead links alone.
#[cfg(not(target_os = "linux"))]
impl Clocks for SystemClocks {
    fn awake(&self) -> Duration {
        self.started.elapsed()
    }

    fn elapsed(&self) -> Duration {
        std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
    }
}

/// Compares each reading with the one before it.
#[derive(Debug)]
pub struct WakeDetector {
    awake: Duration,
    elapsed: Duration,
}

impl WakeDetector {
    /// Starts from the clocks as they stand.
    #[must_use]
    pub fn new(clocks: &impl Clocks) -> Self {
        Self { awake: clocks.awake(), elapsed: clocks.elapsed() }
    }

    /// How long the machine slept since the last call, if it is worth acting on.
    pub fn slept(&mut self, clocks: &impl Clocks) -> Option<Duration> {
        let (awake, elapsed) = (clocks.awake(), clocks.elapsed());
        let passed = elapsed.saturating_sub(self.elapsed);
        let slept = passed.saturating_sub(awake.saturating_sub(self.awake));
        (self.awake, self.elapsed) = (awake, elapsed);
        (slept > NAP).then_some(slept)
    }
}

/// Adds one to `wakes` after each sleep, until cancelled.
pub async fn watch_for_wake(
    clocks: impl Clocks,
    beat: Beat,
    wakes: watch::Sender<u64>,
    cancel: CancellationToken,
) {
    let mut detector = WakeDetector::new(&clocks);
    let mut ticks = beat.ticks();
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Some(slept) = detector.slept(&clocks) {
            tracing::info!(seconds = slept.as_secs(), "the machine woke up");
            wakes.send_modify(|count| *count += 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Seconds awake and asleep, moved by the test.
    #[derive(Clone, Default)]
    struct Fake {
        awake: Arc<AtomicU64>,
        asleep: Arc<AtomicU64>,
    }

    impl Fake {
        fn pass(&self, awake: u64, asleep: u64) {
            self.awake.fetch_add(awake, Ordering::Relaxed);
            self.asleep.fetch_add(asleep, Ordering::Relaxed);
        }
    }

    impl Clocks for Fake {
        fn awake(&self) -> Duration {
            Duration::from_secs(self.awake.load(Ordering::Relaxed))
        }

        fn elapsed(&self) -> Duration {
            self.awake() + Duration::from_secs(self.asleep.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn only_sleep_counts_and_only_once() {
        let clocks = Fake::default();
        let mut detector = WakeDetector::new(&clocks);
        let table =
            [((2, 0), None), ((600, 0), None), ((2, 5), None), ((2, 6), Some(6)), ((2, 0), None)];
        for ((awake, asleep), slept) in table {
            clocks.pass(awake, asleep);
            assert_eq!(detector.slept(&clocks), slept.map(Duration::from_secs), "{awake} {asleep}");
        }
    }

    #[test]
    fn a_clock_set_back_is_no_sleep() {
        struct Back(std::cell::Cell<u64>);
        impl Clocks for Back {
            fn awake(&self) -> Duration {
                Duration::from_secs(10)
            }
            fn elapsed(&self) -> Duration {
                Duration::from_secs(self.0.get())
            }
        }
        let clocks = Back(std::cell::Cell::new(1_000));
        let mut detector = WakeDetector::new(&clocks);
        clocks.0.set(10);
        assert_eq!(detector.slept(&clocks), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_is_told() {
        let (wakes, mut seen) = watch::channel(0);
        let (clocks, cancel) = (Fake::default(), CancellationToken::new());
        let watcher = watch_for_wake(clocks.clone(), Beat::start(), wakes, cancel.clone());
        let script = async {
            // The clocks were read, and no tick has come yet.
            tokio::time::sleep(Duration::from_secs(1)).await;
            clocks.pass(2, 3_600);
            seen.changed().await.unwrap();
            assert_eq!(*seen.borrow(), 1);
            cancel.cancel();
        };
        tokio::join!(watcher, script);
    }

    #[test]
    fn the_machines_own_clocks_run() {
        let clocks = SystemClocks::default();
        assert!(clocks.elapsed() > Duration::ZERO);
        assert_eq!(WakeDetector::new(&clocks).slept(&clocks), None);
    }
}
