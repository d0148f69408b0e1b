//! How a channel's client keeps up, and what a shared link does about one that does not.
//!
//! russh grants window as data arrives, so what a client does not take has to be held back by not
//! reading from the link: its one loop waits, and with it every other channel of the link. No
//! setting changes that. A client that is alone on its link only holds up itself, which is what
//! back-pressure is for. One that shares it, and takes nothing for [`STALL`] while it has no room,
//! is cut off: the others did nothing wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::config::Room;
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
    /// What waits in russh's queue, by weight. Below zero for a moment when the reader is quicker
    /// than the count.
    waiting: AtomicI64,
    /// Messages taken by the reader, ever.
    taken: AtomicU64,
    /// How much may wait.
    room: Room,
    /// Told when the reader has made room.
    made_room: Notify,
}

impl Flow {
    pub(super) fn new(gone: CancellationToken, room: Room) -> Self {
        // No child of `gone`: a channel that ends in order still has something to say.
        let cut = CancellationToken::new();
        let (waiting, taken) = (AtomicI64::new(0), AtomicU64::new(0));
        Self { gone, cut, waiting, taken, room, made_room: Notify::new() }
    }

    /// A message of so many bytes was queued; says whether that was the last for which there was
    /// room.
    pub(super) fn queued(&self, size: usize) -> bool {
        let weight = Room::weight(size);
        self.room.is_taken_by(self.waiting.fetch_add(weight, Ordering::Relaxed) + weight)
    }

    /// The reader took it.
    pub(super) fn took(&self, size: usize) {
        let weight = Room::weight(size);
        let before = self.waiting.fetch_sub(weight, Ordering::Relaxed);
        self.taken.fetch_add(1, Ordering::Relaxed);
        if self.room.is_taken_by(before) && !self.room.is_taken_by(before - weight) {
            self.made_room.notify_one();
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.room.is_taken_by(self.waiting.load(Ordering::Relaxed))
    }

    /// Resolves when there is room, or nobody needs it any more. For one who waits.
    pub(super) async fn until_room(&self) {
        while self.is_full() && !self.gone.is_cancelled() {
            tokio::select! {
                () = self.made_room.notified() => (),
                () = self.gone.cancelled() => (),
            }
        }
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
    use futures_util::FutureExt;

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

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes_and_small_messages_are_not_free() {
        for size in [1, 8 << 10, 32 << 10] {
            let flow = Flow::new(CancellationToken::new(), Room::over(Duration::ZERO));
            let mut held = 0;
            while !flow.queued(size) {
                held += size.max(8 << 10);
            }
            assert!(flow.is_full() && held < 4 << 20, "{held} of messages of {size}");
            assert!(flow.until_room().now_or_never().is_none());
            flow.took(size);
            assert!(!flow.is_full());
            flow.until_room().now_or_never().unwrap();
        }
    }

    #[tokio::test]
    async fn for_a_client_that_is_gone_nobody_waits() {
        let flow = Flow::new(CancellationToken::new(), Room::over(Duration::ZERO));
        while !flow.queued(32 << 10) {}
        let mut waits = Box::pin(flow.until_room());
        assert!(waits.as_mut().now_or_never().is_none());
        flow.gone.cancel();
        waits.await;
    }
}
