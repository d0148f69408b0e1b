//! How a channel's client keeps up, and what a shared link does about one that does not.
//!
//! russh grants window as data arrives, and its one loop waits when the queue of a channel is full:
//! with it waits every other channel of the link. No setting changes that. A client that is alone
//! on its link only holds up itself, which is what back-pressure is for. One that shares it, and
//! takes nothing for [`STALL`] while its queue is full, is cut off: the others did nothing wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::state::LinkState;
use crate::locked::Locked;

/// How long a full link waits for a client that others share it with.
const STALL: Duration = Duration::from_secs(2);

/// What a channel's two ends, russh's loop and the client, tell of each other.
#[derive(Debug)]
pub(super) struct Flow {
    /// Fires when the server has closed the channel, or with the link.
    pub(super) gone: CancellationToken,
    /// Fires when the link waits for the client no longer.
    pub(super) cut: CancellationToken,
    /// Messages in russh's queue. Below zero for a moment when the reader is quicker than the
    /// count.
    waiting: AtomicI64,
    /// Messages taken by the reader, ever.
    taken: AtomicU64,
    /// How many that queue holds; the message that waits outside is not counted.
    queue: i64,
}

impl Flow {
    /// `queue`: how many messages russh's queue holds.
    pub(super) fn new(gone: CancellationToken, queue: usize) -> Self {
        // No child of `gone`: a channel that ends in order still has something to say.
        let cut = CancellationToken::new();
        Self {
            gone,
            cut,
            waiting: AtomicI64::new(0),
            taken: AtomicU64::new(0),
            queue: i64::try_from(queue).unwrap_or(i64::MAX),
        }
    }

    /// A message was queued; says whether the queue is full now.
    pub(super) fn queued(&self) -> bool {
        self.waiting.fetch_add(1, Ordering::Relaxed) + 1 >= self.queue
    }

    /// The reader took one.
    pub(super) fn took(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.queue
    }
}

/// For the life of a link: waits for full queues, and cuts off who holds others up.
pub(super) async fn relieve(state: &LinkState) {
    loop {
        state.until_full().await;
        loop {
            let before = full(state);
            if before.is_empty() {
                break;
            }
            tokio::time::sleep(STALL).await;
            for (flow, taken) in before {
                let stopped = flow.is_full() && flow.taken.load(Ordering::Relaxed) == taken;
                let others = state.count().saturating_sub(1);
                if stopped && others > 0 {
                    warn!(others, "a client has stopped reading and holds up others: cut off");
                    flow.cut.cancel();
                }
            }
        }
    }
}

fn full(state: &LinkState) -> Vec<(Arc<Flow>, u64)> {
    let flows = state.flows().into_iter().filter(|flow| flow.is_full());
    flows
        .filter(|flow| !flow.cut.is_cancelled())
        .map(|flow| {
            let taken = flow.taken.load(Ordering::Relaxed);
            (flow, taken)
        })
        .collect()
}

/// Bytes a second from which a link counts as busy with bulk.
const BULK: u64 = 1 << 20;
/// What is counted together.
const SECOND: Duration = Duration::from_secs(1);

/// How much went through a link just now.
#[derive(Debug)]
pub(super) struct Meter(Locked<Seconds>);

/// The second that runs, and the one before it.
#[derive(Debug)]
struct Seconds {
    began: Instant,
    now: u64,
    before: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self(Locked::new(Seconds { began: Instant::now(), now: 0, before: 0 }))
    }
}

impl Meter {
    pub(super) fn moved(&self, bytes: usize) {
        let mut seconds = self.0.lock();
        seconds.turn();
        seconds.now += bytes as u64;
    }

    pub(super) fn is_bulk(&self) -> bool {
        let mut seconds = self.0.lock();
        seconds.turn();
        seconds.now.max(seconds.before) >= BULK
    }
}

impl Seconds {
    fn turn(&mut self) {
        let age = self.began.elapsed();
        if age >= SECOND {
            self.before = if age < 2 * SECOND { self.now } else { 0 };
            self.now = 0;
            self.began = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bulk_is_what_moves_now() {
        let meter = Meter::default();
        assert!(!meter.is_bulk());
        meter.moved(BULK as usize - 1);
        assert!(!meter.is_bulk(), "a small answer");
        meter.moved(1);
        assert!(meter.is_bulk());
        tokio::time::advance(SECOND).await;
        assert!(meter.is_bulk(), "a moment ago still counts");
        tokio::time::advance(SECOND).await;
        assert!(!meter.is_bulk());
        meter.moved(BULK as usize);
        tokio::time::advance(5 * SECOND).await;
        assert!(!meter.is_bulk(), "long ago does not");
    }

    #[test]
    fn a_queue_is_full_when_nothing_fits_into_it() {
        let flow = Flow::new(CancellationToken::new(), 5);
        for _ in 1..5 {
            assert!(!flow.queued());
        }
        assert!(flow.queued() && flow.is_full());
        flow.took();
        assert!(!flow.is_full());
    }
}
