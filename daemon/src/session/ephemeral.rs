//! Sessions that live as long as somebody holds them: one `psql`, one `run`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use borealis_proto::SessionId;
use tokio::time::Instant;
use tracing::debug;

use super::error::Error;
use super::live::Live;
use super::manager::Manager;

/// Whoever opened an ephemeral session must hold it within this time.
const FIRST_HOLD: Duration = Duration::from_secs(10);
/// What the last holder left running may take this long to end.
const DRAIN: Duration = Duration::from_secs(1);

/// Who keeps a session open that is not wanted for itself.
#[derive(Debug, Default)]
pub(super) struct Holders {
    holding: usize,
    /// Who has opened it and is to come and hold it, and until when that is waited for. They come
    /// as strangers: whoever comes is taken for the first of them.
    expected: VecDeque<Instant>,
}

/// Keeps a session open for as long as it lives.
pub struct Hold {
    manager: Manager,
    live: Arc<Live>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.live.holders.lock().holding -= 1;
        self.manager.close_if_unheld(&self.live);
    }
}

impl Manager {
    /// Holds a session. Any session can be held; it only matters to an ephemeral one.
    ///
    /// # Errors
    /// When there is no such session.
    pub fn hold(&self, id: &SessionId) -> Result<Hold, Error> {
        let live = self.find(id)?;
        let mut holders = live.holders.lock();
        holders.holding += 1;
        holders.expected.pop_front();
        drop(holders);
        Ok(Hold { manager: self.clone(), live })
    }

    /// Sees to it that the session is still there when whoever opens it comes to hold it. Says
    /// whether it is: one that has begun to end is not.
    pub(super) fn expect_hold(&self, live: &Arc<Live>) -> bool {
        let mut holders = live.holders.lock();
        if live.accepting.is_cancelled() {
            return false;
        }
        if !live.ephemeral.load(Ordering::Relaxed) {
            return true;
        }
        holders.expected.push_back(Instant::now() + FIRST_HOLD);
        drop(holders);
        let (manager, live) = (self.clone(), live.clone());
        self.tasks().spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(FIRST_HOLD) => manager.close_if_unheld(&live),
                () = live.accepting.cancelled() => {}
            }
        });
        true
    }

    /// Makes it one that is wanted for itself. Says whether it is still there.
    pub(super) async fn want(&self, live: &Arc<Live>) -> bool {
        let was_ephemeral = {
            let _holders = live.holders.lock();
            if live.accepting.is_cancelled() {
                return false;
            }
            live.ephemeral.swap(false, Ordering::Relaxed)
        };
        if was_ephemeral {
            self.remember().await;
        }
        true
    }

    /// Whether a session begins to end because nobody else needs it: it is not wanted for itself,
    /// and held at most by so many, who are leaving.
    pub(super) fn begins_to_end(&self, live: &Live, leaving: usize) -> bool {
        let mut holders = live.holders.lock();
        let now = Instant::now();
        holders.expected.retain(|until| *until > now);
        let held = holders.holding > leaving || !holders.expected.is_empty();
        if held || !live.ephemeral.load(Ordering::Relaxed) || live.accepting.is_cancelled() {
            return false;
        }
        // While nobody can say that they come.
        live.accepting.cancel();
        debug!(session = %live.id, "nobody else holds it any more");
        true
    }

    fn close_if_unheld(&self, live: &Arc<Live>) {
        if !self.begins_to_end(live, 0) {
            return;
        }
        let (manager, live) = (self.clone(), live.clone());
        self.tasks().spawn(async move {
            manager.end(&live, DRAIN).await;
        });
    }
}
