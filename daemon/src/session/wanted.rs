//! What people asked for, as the state file keeps it.
//!
//! A disk that is full or read-only keeps nobody from working: it is said, on each session that is
//! concerned, and what could not be written is written once it can be.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use borealis_proto::{ErrorCode, Reason, shell_word};
use tracing::{info, warn};

use super::live::Live;
use super::manager::Manager;
use crate::locked::Locked;
use crate::store::{SaveError, WantedSession};

/// Between two tries to write.
const AGAIN: Duration = Duration::from_secs(5);

/// Guards why the state file is behind, if it is.
pub(super) type Unsaved = Arc<Locked<Option<Reason>>>;

/// Who writes.
#[derive(Default)]
pub(super) struct Writing {
    /// One at a time, each with what is wanted when its turn comes.
    turn: tokio::sync::Mutex<()>,
    /// A task tries again until it has succeeded.
    trying: AtomicBool,
}

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
    /// Writes the wanted sessions, now or as soon as that is possible.
    pub async fn remember(&self) {
        if self.write_wanted().await.is_err() {
            self.write_later();
        }
    }

    pub(super) async fn forget_wanted(&self, live: &Live) {
        if !live.ephemeral.load(Ordering::Relaxed) {
            self.remember().await;
        }
    }

    /// The daemon ends: what was not written yet has its last chance.
    pub(super) async fn write_at_last(&self) {
        let behind = self.unsaved().lock().is_some();
        if behind && self.write_wanted().await.is_err() {
            warn!("left without having written the wanted sessions");
        }
    }

    async fn write_wanted(&self) -> Result<(), SaveError> {
        let _turn = self.writing().turn.lock().await;
        let wanted: Vec<WantedSession> = self
            .sessions()
            .iter()
            .filter(|live| !live.ephemeral.load(Ordering::Relaxed))
            .filter(|live| !live.forgotten.load(Ordering::Relaxed))
            .map(|live| live.wanted())
            .collect();
        let saved = self.store().save(&wanted).await;
        self.note(saved.as_ref().err().map(|error| reason(error, self.store().path())));
        saved
    }

    /// Said once, and taken back once it is not true any more.
    fn note(&self, reason: Option<Reason>) {
        let before = std::mem::replace(&mut *self.unsaved().lock(), reason.clone());
        if before == reason {
            return;
        }
        if let Some(before) = before {
            self.notices().remove(&before.message);
        }
        match reason {
            Some(reason) => {
                warn!(reason = %reason.message, "the state file is behind");
                self.notices().add(reason.message);
            }
            None => info!("the state file is up to date again"),
        }
        self.changes_sender().send_modify(|version| *version += 1);
    }

    fn write_later(&self) {
        if self.writing().trying.swap(true, Ordering::Relaxed) {
            return;
        }
        let manager = self.clone();
        self.tasks().spawn(async move {
            let trying = async {
                loop {
                    tokio::time::sleep(AGAIN).await;
                    if manager.write_wanted().await.is_ok() {
                        break;
                    }
                }
            };
            manager.closing().run_until_cancelled(trying).await;
            manager.writing().trying.store(false, Ordering::Relaxed);
            // Another writer may have failed meanwhile, and found this task still trying.
            let behind = manager.unsaved().lock().is_some();
            if behind && !manager.closing().is_cancelled() {
                manager.write_later();
            }
        });
    }
}

fn reason(error: &SaveError, file: &Path) -> Reason {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let dir = file.parent().unwrap_or(file);
    Reason {
        code: ErrorCode::NotSaved,
        message: format!("what is open now would not be so after a restart: {error}{cause}"),
        hint: Some(format!("make room, or mend it: df -h {}; it is tried again", shell_word(dir))),
    }
}
