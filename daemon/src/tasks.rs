//! Where tasks are spawned: each belongs to an owner that joins it, and to the daemon that counts
//! it. A panic ends no more than its task; work that an owner cannot do without begins again.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

/// Before work that panicked begins again, doubling …
const REST: Duration = Duration::from_secs(1);
/// … up to this …
const LONGEST_REST: Duration = Duration::from_secs(60);
/// … until it has been well for so long.
const WELL: Duration = Duration::from_secs(5 * 60);

/// Work that its owner cannot do without. What it keeps over a panic is in `self`, what is good for
/// one run only in [`Kept::run`].
pub trait Kept: Send + 'static {
    /// Ends when its owner says so, and not before.
    fn run(&mut self) -> BoxFuture<'_, ()>;

    /// It panicked. Returns how much of the rest is left to be waited for before the next run: less
    /// than all of it when that one waits by itself.
    fn fell(&mut self, rest: Duration) -> Duration {
        rest
    }
}

impl<F, T> Kept for F
where
    F: FnMut() -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    fn run(&mut self) -> BoxFuture<'_, ()> {
        self().boxed()
    }
}

type Told = Arc<dyn Fn(String) + Send + Sync>;

/// A group of tasks of one owner. Clones are the same group.
#[derive(Clone)]
pub struct Tasks {
    all: TaskTracker,
    own: TaskTracker,
    told: Option<Told>,
}

impl Tasks {
    /// A group of the daemon, counted in `all`.
    #[must_use]
    pub fn new(all: &TaskTracker) -> Self {
        Self { all: all.clone(), own: TaskTracker::new(), told: None }
    }

    /// The same group. `told` hears, in words for people, of each panic in it and in the groups
    /// that are made from it.
    #[must_use]
    pub fn telling(self, told: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self { told: Some(Arc::new(told)), ..self }
    }

    /// A group inside this one: joined by its own owner, counted by the same daemon.
    #[must_use]
    pub fn group(&self) -> Self {
        Self { own: TaskTracker::new(), ..self.clone() }
    }

    /// Starts a task. One that panics is gone, with all that it held.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let told = self.told.clone();
        // No async block around it: that would have room for the task twice.
        let task = AssertUnwindSafe(task).catch_unwind().map(move |ended| {
            // The hook has logged the place.
            if ended.is_err() {
                tell(told.as_ref(), "a piece of work was given up".to_owned());
            }
        });
        self.own.spawn(self.all.track_future(task));
    }

    /// Starts work that begins again after a panic, until `stop`. `what` names it for people.
    pub fn keep(&self, what: impl Into<String>, mut kept: impl Kept, stop: CancellationToken) {
        let (what, told) = (what.into(), self.told.clone());
        self.spawn(async move {
            let mut rests = Rests::default();
            while !run_once(&mut kept, &mut rests).await && !stop.is_cancelled() {
                let rest = rests.next();
                error!(what, ?rest, "a fault of ours ended it: it begins again");
                tell(told.as_ref(), format!("{what} was begun again"));
                let left = kept.fell(rest);
                stop.run_until_cancelled(tokio::time::sleep(left)).await;
            }
        });
    }

    /// How many of the group are running.
    #[must_use]
    pub fn len(&self) -> usize {
        self.own.len()
    }

    /// Whether none is running.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Waits until every task of the group has ended. What cancels them is the owner's business.
    pub async fn join(&self) {
        self.own.close();
        self.own.wait().await;
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("own", &self.own).finish_non_exhaustive()
    }
}

/// Whether it ended as it should.
async fn run_once(kept: &mut impl Kept, rests: &mut Rests) -> bool {
    let begun = Instant::now();
    // Inside, because `run` itself may panic before there is a future.
    let run = AssertUnwindSafe(async { kept.run().await });
    let ended = run.catch_unwind().await.is_ok();
    if begun.elapsed() >= WELL {
        *rests = Rests::default();
    }
    ended
}

fn tell(told: Option<&Told>, what: String) {
    if let Some(told) = told {
        told(format!(
            "a fault of ours: {what}; `borealisctl daemon logs` has the place, report it"
        ));
    }
}

#[derive(Default)]
struct Rests(u32);

impl Rests {
    fn next(&mut self) -> Duration {
        let rest = REST.saturating_mul(2_u32.saturating_pow(self.0)).min(LONGEST_REST);
        self.0 = self.0.saturating_add(1);
        rest
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::locked::Locked;

    fn telling() -> (Tasks, TaskTracker, Arc<Locked<Vec<String>>>) {
        let (all, heard) = (TaskTracker::new(), Arc::new(Locked::new(Vec::new())));
        let hear = heard.clone();
        let tasks = Tasks::new(&all).telling(move |text| hear.lock().push(text));
        (tasks, all, heard)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_begins_again_ever_more_slowly_and_ends_when_told() {
        let (tasks, all, heard) = telling();
        let (stop, runs) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let (counted, ending) = (runs.clone(), stop.clone());
        let work = move || {
            let (run, ending) = (counted.fetch_add(1, Ordering::SeqCst), ending.clone());
            async move {
                assert!(run >= 8, "on purpose");
                ending.cancelled().await;
            }
        };
        let begun = Instant::now();
        tasks.group().keep("the work", work, stop.clone());
        while runs.load(Ordering::SeqCst) < 9 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let waited = [1, 2, 4, 8, 16, 32, 60, 60].iter().sum();
        let late = begun.elapsed().saturating_sub(Duration::from_secs(waited));
        assert!(late <= Duration::from_millis(200), "{:?}", begun.elapsed());
        assert_eq!(all.len(), 1);
        assert_eq!(heard.lock().len(), 8);
        assert!(heard.lock()[0].contains("the work was begun again"), "{:?}", heard.lock());
        stop.cancel();
        tasks.join().await;
        all.close();
        all.wait().await;
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_was_well_for_long_begins_again_soon() {
        let (tasks, all, _heard) = telling();
        let (stop, runs) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let counted = runs.clone();
        let work = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async {
                tokio::time::sleep(WELL).await;
                panic!("on purpose")
            }
        };
        tasks.keep("the work", work, stop.clone());
        tokio::time::sleep(WELL * 10 + REST * 11).await;
        assert!(runs.load(Ordering::SeqCst) > 10, "{runs:?}");
        stop.cancel();
        all.close();
        all.wait().await;
    }

    #[tokio::test]
    async fn a_panic_is_told_and_takes_nobody_along() {
        let (tasks, _all, heard) = telling();
        tasks.spawn(async { panic!("on purpose") });
        tasks.spawn(async {});
        tasks.join().await;
        assert_eq!(heard.lock().len(), 1);
        assert!(!heard.lock()[0].contains("on purpose"), "{:?}", heard.lock());
    }
}
