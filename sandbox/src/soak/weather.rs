//! Whether a fault is about. Whoever fails while one is, is excused; in fair weather nobody is.

use std::sync::atomic::{AtomicU64, Ordering};

/// Even: fair. Odd: a fault is on, or its end has not been proved yet.
#[derive(Debug, Default)]
pub(super) struct Weather {
    changes: AtomicU64,
}

/// How it was when something began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Then(u64);

impl Weather {
    pub(super) fn now(&self) -> Then {
        Then(self.changes.load(Ordering::SeqCst))
    }

    /// Whether it has been fair all the time since then.
    pub(super) fn fair_since(&self, Then(then): Then) -> bool {
        then % 2 == 0 && self.changes.load(Ordering::SeqCst) == then
    }

    /// From fair to foul, or back.
    pub(super) fn turn(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fair_is_fair_all_the_time() {
        let weather = Weather::default();
        let before = weather.now();
        assert!(weather.fair_since(before));
        weather.turn();
        let within = weather.now();
        assert!(!weather.fair_since(before) && !weather.fair_since(within));
        weather.turn();
        assert!(!weather.fair_since(before) && !weather.fair_since(within));
        assert!(weather.fair_since(weather.now()));
    }
}
