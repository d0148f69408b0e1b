//! How a channel ends that nobody here uses any more.
//!
//! russh (0.65) lets go of a channel only when the server is the first to close it: of one that we
//! close first, its session keeps 3 KB as long as the link lives, and 8 KB if data was under way. So
//! we say that nothing more comes from us, on which Postgres ends the connection and the server the
//! channel. We close it ourselves only when that takes long, or when the server goes on sending; and
//! a link that has had many of those is worn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use russh::ChannelWriteHalf;
use russh::client::Msg;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::state::LinkState;

/// How long the server may take to close it. A backend that is at work does not hear that its
/// client has gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// What may still come meanwhile, in bytes: the end of an answer, and no download.
const REST: usize = 64 << 10;

/// A channel that waits for the server to close it.
#[derive(Debug, Default)]
pub(super) struct Parting {
    received: AtomicUsize,
    /// The server has closed the channel, or is not waited for any longer.
    over: CancellationToken,
}

impl Parting {
    /// Data came for nobody.
    pub(super) fn received(&self, size: usize) {
        if self.received.fetch_add(size, Ordering::Relaxed) + size > REST {
            self.over();
        }
    }

    pub(super) fn over(&self) {
        self.over.cancel();
    }
}

/// Ends a channel; `finished` when the server knows that nothing more comes.
pub(super) async fn part(
    state: &LinkState,
    half: &ChannelWriteHalf<Msg>,
    parting: Arc<Parting>,
    finished: bool,
) {
    let orderly = async {
        // An error says that the session is gone, and the channel with it.
        if finished || half.eof().await.is_ok() {
            parting.over.cancelled().await;
        }
    };
    let _ = timeout(PATIENCE, orderly).await;
    if state.give_up(half.id()) {
        let _ = half.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_answer_is_waited_for_and_a_download_is_not() {
        let parting = Parting::default();
        parting.received(REST);
        assert!(!parting.over.is_cancelled());
        parting.received(1);
        assert!(parting.over.is_cancelled());
    }
}
