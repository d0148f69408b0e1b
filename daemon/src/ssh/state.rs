//! What a link's parts know together: whether it has ended and why, and which channels are open.

use std::collections::HashMap;
use std::sync::OnceLock;

use russh::ChannelId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::locked::Locked;
use crate::tunnel::LinkEnd;

/// Shared by a link, its channels and russh's session task, none of which owns the others.
#[derive(Debug, Default)]
pub(super) struct LinkState {
    /// The first reason that anybody declared.
    reason: OnceLock<LinkEnd>,
    /// Fires once, after `reason` is set.
    ended: CancellationToken,
    /// Fingerprint of a host key that is not the pinned one.
    presented: OnceLock<String>,
    /// Guards the open channels; each token fires when the server has closed that channel.
    channels: Locked<HashMap<ChannelId, CancellationToken>>,
    /// How many these are, for whoever waits for a number. Sent under the lock, so in order.
    count: watch::Sender<usize>,
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

    /// Counts a channel in. The token fires when the server closes it, or with the link.
    pub(super) fn opened(&self, id: ChannelId) -> CancellationToken {
        let gone = self.ended.child_token();
        let mut channels = self.channels.lock();
        channels.insert(id, gone.clone());
        self.count.send_replace(channels.len());
        gone
    }

    /// The server has closed a channel.
    pub(super) fn closed_by_server(&self, id: ChannelId) {
        if let Some(gone) = self.channels.lock().get(&id) {
            gone.cancel();
        }
    }

    /// Counts a channel out.
    pub(super) fn forget(&self, id: ChannelId) {
        let mut channels = self.channels.lock();
        channels.remove(&id);
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
