use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::*;
use crate::credentials::ledger::{APART, CEILING};

/// A shelf whose mints wait until they are let go, and are counted.
struct Bench {
    shelf: Shelf<&'static str, Generation>,
    begun: Arc<AtomicUsize>,
    open: watch::Sender<bool>,
    tracker: TaskTracker,
}

impl Bench {
    fn new(open: bool) -> Self {
        let tracker = TaskTracker::new();
        let shelf = Shelf::new(Kind::SshKey, Renew::Auto, &Tasks::new(&tracker));
        Self { shelf, begun: Arc::default(), open: watch::Sender::new(open), tracker }
    }

    /// What worked and is refused now: the first renewal of it is at once.
    async fn get(&self, refused: Option<u64>, good: bool) -> Result<u64, Error> {
        let refused = refused.map(|refused| worn(refused, Asker::Daemon));
        self.ask(refused.unwrap_or(Want::Any), good).await
    }

    async fn ask(&self, want: Want, good: bool) -> Result<u64, Error> {
        let mint = |generation| {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let mut open = self.open.subscribe();
            async move {
                open.wait_for(|open| *open).await.unwrap();
                if good { Ok(generation) } else { Err(Error::Interrupted) }
            }
        };
        self.shelf.get(&"a", want, mint).await.map(|held| held.0)
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    async fn idle(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn slots(&self) -> usize {
        self.shelf.slots.lock().by_key.len()
    }
}

fn worn(generation: u64, found_by: Asker) -> Want {
    let generation = Generation(generation);
    Want::Renewed(Refused { generation, past: Past::Worked, found_by })
}

/// Polls once, so that whoever asks has asked.
async fn asked<T>(asking: &mut (impl Future<Output = T> + Unpin)) {
    assert!(asking.now_or_never().is_none(), "answered before it was let go");
}

#[tokio::test]
async fn all_who_ask_at_once_share_one_mint() {
    for good in [true, false] {
        let bench = Bench::new(false);
        let mut all = Box::pin(join_all((0..20).map(|_| bench.get(None, good))));
        asked(&mut all).await;
        bench.open.send_replace(true);
        let answers = all.await;
        assert_eq!(bench.begun(), 1);
        assert!(answers.iter().all(|answer| answer.is_ok() == good), "{answers:?}");
    }
}

#[tokio::test]
async fn what_is_held_serves_until_it_is_refused() {
    let bench = Bench::new(true);
    assert_eq!(bench.get(None, true).await.unwrap(), 1);
    assert_eq!(bench.get(None, true).await.unwrap(), 1);
    assert_eq!(bench.get(Some(1), true).await.unwrap(), 2);
    assert_eq!(bench.get(Some(1), true).await.unwrap(), 2, "newer than what was refused");
    assert_eq!(bench.begun(), 2);
    let late = bench.get(Some(2), true).await;
    assert!(matches!(late, Err(Error::TooSoon { .. })), "{late:?}");
    assert_eq!(bench.begun(), 2);
}

#[tokio::test]
async fn what_was_refused_is_not_given_out_again_to_who_does_not_know() {
    let bench = Bench::new(true);
    assert_eq!(bench.get(None, true).await.unwrap(), 1);
    assert!(bench.get(Some(1), false).await.is_err());
    assert_eq!(bench.get(None, true).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn who_says_refresh_during_a_renewal_begins_the_count_anew() {
    let bench = Bench::new(true);
    let mut held = bench.get(None, true).await.unwrap();
    for _ in 1..CEILING {
        held = bench.get(Some(held), true).await.unwrap();
        tokio::time::sleep(APART).await;
    }
    bench.open.send_replace(false);
    let mut renewal = Box::pin(bench.get(Some(held), true));
    asked(&mut renewal).await;
    let mut refresh = Box::pin(bench.ask(Want::Other(Generation(held)), true));
    asked(&mut refresh).await;
    bench.open.send_replace(true);
    held = renewal.await.unwrap();
    assert_eq!(refresh.await.unwrap(), held, "one request in flight");
    for _ in 0..CEILING {
        tokio::time::sleep(APART).await;
        held = bench.get(Some(held), true).await.unwrap();
    }
    tokio::time::sleep(APART).await;
    assert!(matches!(bench.get(Some(held), true).await, Err(Error::TooOften { .. })));
}

#[tokio::test]
async fn many_who_are_refused_at_once_share_one_new_mint() {
    let bench = Bench::new(true);
    assert_eq!(bench.get(None, true).await.unwrap(), 1);
    bench.open.send_replace(false);
    let mut refused = Box::pin(join_all((0..20).map(|_| bench.get(Some(1), true))));
    asked(&mut refused).await;
    assert_eq!(bench.get(None, true).await.unwrap(), 1, "who has no complaint need not wait");
    bench.open.send_replace(true);
    assert!(refused.await.iter().all(|answer| matches!(answer, Ok(2))));
    assert_eq!(bench.begun(), 2);
}

#[tokio::test]
async fn a_failure_is_not_held_and_takes_nothing_away() {
    let bench = Bench::new(true);
    assert!(bench.get(None, false).await.is_err());
    assert_eq!(bench.slots(), 0);
    assert_eq!(bench.get(None, true).await.unwrap(), 2);
    assert!(bench.ask(Want::Other(Generation(2)), false).await.is_err());
    assert_eq!(bench.get(None, true).await.unwrap(), 2, "it may still work");
}

#[tokio::test]
async fn a_mint_ends_and_is_held_though_nobody_waits() {
    let bench = Bench::new(false);
    let mut asking = Box::pin(bench.get(None, true));
    asked(&mut asking).await;
    drop(asking);
    bench.open.send_replace(true);
    bench.idle().await;
    assert_eq!(bench.get(None, true).await.unwrap(), 1);
    assert_eq!(bench.begun(), 1);
}

#[tokio::test]
async fn what_is_forgotten_during_a_mint_is_not_held() {
    let bench = Bench::new(false);
    let mut asking = Box::pin(bench.get(None, true));
    asked(&mut asking).await;
    bench.shelf.forget(&"a");
    bench.open.send_replace(true);
    assert_eq!(asking.await.unwrap(), 1);
    assert_eq!(bench.slots(), 0);
    assert_eq!(bench.get(None, true).await.unwrap(), 2);
    bench.shelf.forget(&"a");
    assert_eq!(bench.slots(), 0);
}

#[tokio::test]
async fn who_asks_after_forgetting_joins_the_mint_under_way() {
    let bench = Bench::new(false);
    let mut first = Box::pin(bench.get(None, true));
    asked(&mut first).await;
    bench.shelf.forget(&"a");
    let mut second = Box::pin(bench.get(None, true));
    asked(&mut second).await;
    bench.open.send_replace(true);
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (1, 1));
    assert_eq!((bench.get(None, true).await.unwrap(), bench.begun()), (1, 1));
}

#[tokio::test]
async fn a_mint_that_panics_is_an_error_and_blocks_nobody() {
    let bench = Bench::new(true);
    let broken = |_| async { panic!("a fault of ours") };
    let answer = bench.shelf.get(&"a", Want::Any, broken).await;
    assert!(matches!(answer, Err(Error::Interrupted)));
    assert_eq!(bench.slots(), 0);
    assert_eq!(bench.get(None, true).await.unwrap(), 2);
}
