//! What a link's parts know together: whether it has ended and why, and which channels are open.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use russh::ChannelId;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::config::Room;
use super::flow::{Flow, Meter};
use super::silence::Silence;
use crate::locked::Locked;
use crate::tunnel::{LinkEnd, Load};

/// Shared by a link, its channels and russh's session task, none of which owns the others.
#[derive(Debug, Default)]
pub(super) struct LinkState {
    /// The first reason that anybody declared.
    reason: OnceLock<LinkEnd>,
    /// Fires once, after `reason` is set.
    ended: CancellationToken,
    /// Fingerprint of a host key that is not the pinned one.
    presented: OnceLock<String>,
    /// Guards the open channels.
    channels: Locked<HashMap<ChannelId, Arc<Flow>>>,
    /// How many these are, for whoever waits for a number. Sent under the lock, so in order.
    count: watch::Sender<usize>,
    /// Channels that are asked for.
    asked: AtomicUsize,
    /// Told when a channel's queue is full.
    full: Notify,
    /// How much may wait for us; set before there is a channel.
    room: OnceLock<Room>,
    /// Both directions.
    meter: Meter,
    silence: Silence,
}

impl LinkState {
    /// Says why the link is going to end. The first to speak is right: what follows are the
    /// consequences.
    pub(super) fn declare(&self, reason: LinkEnd) {
        // An error only says that there is a reason already.
        let _ = self.reason.set(reason);
    }

    /// The link is dead; `reason` if nobody said another before.
    pub(super) fn end(&self, reason: LinkEnd) {
        self.declare(reason);
        self.ended.cancel();
    }

    /// Fires at the end.
    pub(super) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Why it ended, or is going to.
    pub(super) fn reason(&self) -> Option<LinkEnd> {
        self.reason.get().cloned()
    }

    /// Remembers the fingerprint of a host key that was turned away.
    pub(super) fn turned_away(&self, fingerprint: String) {
        let _ = self.presented.set(fingerprint);
    }

    /// That fingerprint.
    pub(super) fn presented(&self) -> Option<&str> {
        self.presented.get().map(String::as_str)
    }

    /// What was agreed with russh.
    pub(super) fn agree_on(&self, room: Room) {
        let _ = self.room.set(room);
    }

    /// Counts a channel in.
    pub(super) fn opened(&self, id: ChannelId) -> Arc<Flow> {
        let room = self.room.get().copied().unwrap_or_else(|| Room::over(Duration::ZERO));
        let flow = Arc::new(Flow::new(self.ended.child_token(), room));
        let mut channels = self.channels.lock();
        channels.insert(id, flow.clone());
        self.count.send_replace(channels.len());
        flow
    }

    /// Data came for a channel, and is in its queue. Returns who has to make room before more may
    /// come.
    pub(super) fn arrived(&self, id: ChannelId, size: usize) -> Option<Arc<Flow>> {
        self.meter.moved(size);
        self.silence.heard();
        let flow = self.channels.lock().get(&id).filter(|flow| flow.queued(size)).cloned()?;
        self.full.notify_one();
        Some(flow)
    }

    /// Data went out.
    pub(super) fn sent(&self, size: usize) {
        self.meter.moved(size);
        self.silence.begin();
    }

    /// Since when an answer has been waited for.
    pub(super) fn silence(&self) -> &Silence {
        &self.silence
    }

    /// Resolves when a queue has become full since it was last asked.
    pub(super) async fn until_full(&self) {
        self.full.notified().await;
    }

    /// The open channels.
    pub(super) fn flows(&self) -> Vec<Arc<Flow>> {
        self.channels.lock().values().cloned().collect()
    }

    /// How busy the link is.
    pub(super) fn load(&self) -> Load {
        let stalled = self.channels.lock().values().any(|flow| flow.is_full());
        let channels = self.count() + self.asked.load(Ordering::Relaxed);
        Load { channels, bulk: self.meter.is_bulk(), stalled }
    }

    /// Counts a channel that is not there yet, for as long as the answer lives: who comes meanwhile
    /// must know of it.
    pub(super) fn asked(self: &Arc<Self>) -> Asked {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Asked(self.clone())
    }

    /// The server has closed a channel.
    pub(super) fn closed_by_server(&self, id: ChannelId) {
        if let Some(flow) = self.channels.lock().get(&id) {
            flow.gone.cancel();
        }
    }

    /// Counts a channel out; nobody reads from it any more.
    pub(super) fn forget(&self, id: ChannelId) {
        let mut channels = self.channels.lock();
        if let Some(flow) = channels.remove(&id) {
            flow.gone.cancel();
        }
        self.count.send_replace(channels.len());
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Resolves when none is.
    pub(super) async fn idle(&self) {
        // Cannot fail: the sender is ours.
        let _ = self.count.subscribe().wait_for(|open| *open == 0).await;
    }
}

/// See [`LinkState::asked`].
pub(super) struct Asked(Arc<LinkState>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.asked.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stands() {
        let state = LinkState::default();
        state.declare(LinkEnd::Closed);
        assert!(!state.ended().is_cancelled());
        state.end(LinkEnd::Broken("what our goodbye caused".to_owned()));
        assert!(state.ended().is_cancelled());
        assert_eq!(state.reason(), Some(LinkEnd::Closed));
    }
}
