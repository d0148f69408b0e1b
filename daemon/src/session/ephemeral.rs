//! Sessions that live as long as somebody holds them: one `psql`, one `run`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use borealis_proto::SessionId;
use tracing::debug;

use super::error::Error;
use super::live::Live;
use super::manager::Manager;

/// Whoever opened an ephemeral session must hold it within this time.
const FIRST_HOLD: Duration = Duration::from_secs(10);
/// What the last holder left running may take this long to end.
const DRAIN: Duration = Duration::from_secs(1);

/// Keeps a session open for as long as it lives.
pub struct Hold {
    manager: Manager,
    live: Arc<Live>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.live.holds.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.manager.close_if_unheld(self.live.clone());
        }
    }
}

impl Manager {
    /// Holds a session. Any session can be held; it only matters to an ephemeral one.
    ///
    /// # Errors
    /// When there is no such session.
    pub fn hold(&self, id: &SessionId) -> Result<Hold, Error> {
        let live = self.find(id)?;
        live.holds.fetch_add(1, Ordering::Relaxed);
        Ok(Hold { manager: self.clone(), live })
    }

    /// Closes the session if nobody comes for it.
    pub(super) fn expect_hold(&self, live: Arc<Live>) {
        let manager = self.clone();
        let closing = live.accepting.clone();
        self.tasks().spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(FIRST_HOLD) => manager.close_if_unheld(live),
                () = closing.cancelled() => {}
            }
        });
    }

    fn close_if_unheld(&self, live: Arc<Live>) {
        let held = live.holds.load(Ordering::Relaxed) > 0;
        if held || !live.ephemeral.load(Ordering::Relaxed) || live.accepting.is_cancelled() {
            return;
        }
        debug!(session = %live.id, "nobody holds it any more");
        let manager = self.clone();
        self.tasks().spawn(async move {
            manager.end(&live, DRAIN).await;
        });
    }
}
