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
use super::parting::Parting;
use super::silence::Silence;
use crate::locked::Locked;
use crate::tunnel::{LinkEnd, Load};

/// So many channels that russh has not let go of are about 4 MB: see [`Parting`].
const WORN: usize = 500;

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
    /// Guards the channels that nobody here uses any more, and that the server has not closed.
    partings: Locked<HashMap<ChannelId, Arc<Parting>>>,
    /// How many of these we closed ourselves: russh keeps something of each.
    kept: AtomicUsize,
    /// How many channels are open, for whoever waits for a number. Sent under the lock, so in order.
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
        let channels = self.channels.lock();
        let Some(flow) = channels.get(&id) else {
            if let Some(parting) = self.partings.lock().get(&id) {
                parting.received(size);
            }
            return None;
        };
        let full = flow.queued(size).then(|| flow.clone())?;
        self.full.notify_one();
        Some(full)
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
        if let Some(parting) = self.partings.lock().remove(&id) {
            parting.over();
        }
    }

    /// Counts a channel out: nobody here uses it any more. What has to be done about it, unless the
    /// server has closed it already.
    pub(super) fn forget(&self, id: ChannelId) -> Option<Arc<Parting>> {
        let mut channels = self.channels.lock();
        let flow = channels.remove(&id);
        self.count.send_replace(channels.len());
        let flow = flow.filter(|flow| !flow.gone.is_cancelled())?;
        flow.gone.cancel();
        let parting = Arc::<Parting>::default();
        self.partings.lock().insert(id, parting.clone());
        Some(parting)
    }

    /// The server is not waited for any longer. Returns whether it has yet to close the channel.
    pub(super) fn give_up(&self, id: ChannelId) -> bool {
        let open = self.partings.lock().remove(&id).is_some();
        if open {
            self.kept.fetch_add(1, Ordering::Relaxed);
        }
        open
    }

    /// Whether russh keeps so much of channels that are gone that the link should be replaced.
    pub(super) fn is_worn(&self) -> bool {
        self.kept.load(Ordering::Relaxed) >= WORN
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
    use russh::keys::ssh_encoding::Decode;

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

    #[test]
    fn a_link_is_worn_by_what_the_server_did_not_close() {
        let state = LinkState::default();
        let channel = |number: usize| {
            let number = u32::try_from(number).unwrap().to_be_bytes();
            ChannelId::decode(&mut &number[..]).unwrap()
        };
        let closed_by_server = channel(0);
        state.opened(closed_by_server);
        state.closed_by_server(closed_by_server);
        assert!(state.forget(closed_by_server).is_none(), "nothing is to be done");
        for number in 1..=WORN {
            let id = channel(number);
            for closes in [true, false] {
                state.opened(id);
                assert!(state.forget(id).is_some());
                if closes {
                    state.closed_by_server(id);
                }
                assert!(!state.is_worn());
                assert_eq!(state.give_up(id), !closes);
            }
            assert_eq!(state.is_worn(), number == WORN);
        }
        assert_eq!(state.count(), 0);
    }
}
