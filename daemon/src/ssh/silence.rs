//! A link that was spoken into and does not answer is doubted long before its keepalive gives up:
//! somebody is waiting for that answer.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::link::Core;
use super::state::LinkState;
use crate::locked::Locked;

/// How long an answer may take before the server is asked for a sign of life. With the time it has
/// for that, a dead link in use is found within 15 s. A query that runs for long costs one such
/// question each time.
const DOUBT: Duration = Duration::from_secs(10);

/// Since when we have been waiting for the server to say anything.
#[derive(Debug, Default)]
pub(super) struct Silence {
    since: Locked<Option<Instant>>,
    begun: Notify,
}

impl Silence {
    /// We said something.
    pub(super) fn begin(&self) {
        let mut since = self.since.lock();
        if since.is_none() {
            *since = Some(Instant::now());
            self.begun.notify_one();
        }
    }

    /// The server said something.
    pub(super) fn end(&self) {
        *self.since.lock() = None;
    }

    fn since(&self) -> Option<Instant> {
        *self.since.lock()
    }
}

/// For the life of a link: asks for a sign of life when an answer is late. Without one the link
/// ends itself. It does not keep the link alive.
pub(super) async fn doubt(core: Weak<Core>, state: Arc<LinkState>) {
    let silence = state.silence();
    loop {
        silence.begun.notified().await;
        while let Some(since) = silence.since() {
            tokio::time::sleep_until(since + DOUBT).await;
            // Another silence has begun meanwhile: it has its own time.
            if silence.since() != Some(since) {
                continue;
            }
            let Some(core) = core.upgrade() else { return };
            core.probe().await;
            drop(core);
            silence.end();
            silence.begin();
        }
    }
}
