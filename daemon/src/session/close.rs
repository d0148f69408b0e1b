//! The end of a session: forgotten first, then drained, then gone with all that it owned.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use borealis_proto::{Session, SessionId};
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::backends;
use super::error::Error;
use super::live::Live;
use super::manager::Manager;

impl Manager {
    /// Closes a session. Running connections may go on for `drain`. The end goes on when the
    /// caller goes away.
    ///
    /// # Errors
    /// When there is no such session.
    pub async fn close(&self, id: &SessionId, drain: Duration) -> Result<Session, Error> {
        let live = self.find(id)?;
        let (done, ended) = oneshot::channel();
        let manager = self.clone();
        self.tasks().spawn(async move {
            manager.end(&live, drain).await;
            // Whoever asked may have gone.
            let _ = done.send(live.show());
        });
        ended.await.map_err(|_gone| Error::Closing)
    }

    /// The same for a holder who leaves: a session that others hold, or that is wanted for itself,
    /// stays.
    ///
    /// # Errors
    /// When there is no such session.
    pub async fn release(&self, id: &SessionId, drain: Duration) -> Result<Session, Error> {
        let live = self.find(id)?;
        if live.accepting.is_cancelled() || self.begins_to_end(&live, 1) {
            return self.close(id, drain).await;
        }
        Ok(live.show())
    }

    /// Ends the session, wholly. A second caller waits for the first one's work.
    pub(super) async fn end(&self, live: &Arc<Live>, drain: Duration) {
        let first = !live.accepting.is_cancelled();
        live.forgotten.store(true, Ordering::Relaxed);
        live.accepting.cancel();
        if first {
            // Before the draining: a daemon that dies meanwhile must not bring it back.
            self.forget_wanted(live).await;
        }
        self.drain(live, drain).await;
        // Whoever comes last to it, so that an end that broke off can be asked for again.
        if self.remove(&live.id) {
            self.tunnels().release(&live.key.owner, &live.whereabouts).await;
            info!(session = %live.id, addon = live.addon, "closed");
        }
    }

    async fn drain(&self, live: &Live, patience: Duration) {
        live.observe();
        if tokio::time::timeout(patience, live.connections.join()).await.is_err() {
            warn!(session = %live.id, left = live.connections.len(), "drain is over");
            backends::end(live).await;
        }
        live.serving.cancel();
        live.connections.join().await;
        live.tasks.join().await;
    }

    /// Ends every session but leaves it wanted: the daemon stops.
    pub async fn shut_down(&self, drain: Duration) {
        // From here nobody opens another.
        let turn = self.opening().await;
        self.closing().cancel();
        drop(turn);
        let sessions = self.sessions();
        let all = sessions.iter().map(|live| async {
            live.accepting.cancel();
            self.drain(live, drain).await;
            self.tunnels().release(&live.key.owner, &live.whereabouts).await;
        });
        futures_util::future::join_all(all).await;
        self.stop_tasks().await;
        self.write_at_last().await;
    }
}
