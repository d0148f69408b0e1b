//! What nobody tells us of is looked at every two seconds, by whoever cares for it. They do so
//! together: a machine that has nothing else to do is woken once for all of them.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// When all look: a rhythm that began at some moment. Copies are the same rhythm.
#[derive(Clone, Copy, Debug)]
pub struct Beat(Instant);

impl Beat {
    /// A rhythm that begins now, with its first tick a little later.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The ticks. Who is late for one joins the others again at the next.
    #[must_use]
    pub fn ticks(self) -> Interval {
        let mut ticks = interval_at(self.0 + EVERY, EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_comes_later_or_misses_one_looks_with_the_others() {
        let beat = Beat::start();
        let mut first = beat.ticks();
        first.tick().await;
        tokio::time::advance(EVERY / 2).await;
        let mut second = beat.ticks();
        second.tick().await;
        for _ in 0..3 {
            tokio::join!(first.tick(), second.tick());
            tokio::time::advance(EVERY / 3).await;
        }
        tokio::time::advance(EVERY * 5).await;
        // One at once, because it is overdue, and then in step again.
        tokio::join!(first.tick(), second.tick());
        let (one, other) = tokio::join!(first.tick(), second.tick());
        assert_eq!(one, other);
        assert_eq!((one - beat.0).as_millis() % EVERY.as_millis(), 0);
    }
}
