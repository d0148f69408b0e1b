//! What people asked for, as the state file keeps it.

use std::sync::atomic::Ordering;

use tracing::warn;

use super::live::Live;
use super::manager::Manager;
use crate::store::WantedSession;

impl Live {
    fn wanted(&self) -> WantedSession {
        WantedSession {
            id: self.id.clone(),
            app: self.app.clone(),
            attachment: self.attachment.clone(),
            addon: self.addon.clone(),
            addon_id: self.addon_id.clone(),
            access: self.key.access,
            port: self.port,
        }
    }
}

impl Manager {
    /// Writes the wanted sessions. A disk that is full does not keep anybody from working: it is
    /// said, and tried again with the next change.
    pub(super) async fn remember(&self) {
        // One writer at a time, each with what is wanted when its turn comes.
        let _turn = self.writing().await;
        let wanted: Vec<WantedSession> = self
            .sessions()
            .iter()
            .filter(|live| !live.ephemeral.load(Ordering::Relaxed))
            .filter(|live| !live.accepting.is_cancelled())
            .map(|live| live.wanted())
            .collect();
        if let Err(error) = self.store().save(&wanted).await {
            warn!(%error, "the wanted sessions could not be written");
            self.notices().add(format!("the wanted sessions could not be written: {error}"));
        }
    }

    pub(super) async fn forget_wanted(&self, live: &Live) {
        if !live.ephemeral.load(Ordering::Relaxed) {
            self.remember().await;
        }
    }
}
