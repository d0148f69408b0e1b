//! libpq's password file for the sessions that are open: tools that are pointed to it have the right
//! password at their next connection, however often that changes.
//!
//! It is beside the control socket, and only where that is memory (on Linux the runtime directory
//! is): secrets are never on a disk. Whoever may read it may ask the socket just as well.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use borealis_proto::{Credentials, Identity};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use zeroize::Zeroizing;

use super::live::Live;
use super::manager::Manager;
use crate::platform;

const NAME: &str = "pgpass";

/// How soon it is noticed that the file was removed.
const LOOK: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Clone, Debug)]
pub struct Passfile(PathBuf);

impl Passfile {
    /// In the socket's directory, if that is memory.
    #[must_use]
    pub fn beside(socket: &Path) -> Option<Self> {
        let dir = socket.parent().filter(|dir| platform::is_memory(dir))?;
        Some(Self(dir.join(NAME)))
    }

    /// For people and tools.
    #[must_use]
    pub fn shown(&self) -> String {
        self.0.display().to_string()
    }

    /// Keeps it right until cancelled, then removes it.
    pub async fn keep(self, manager: Manager, cancel: CancellationToken) {
        let _removed = Removed(&self.0);
        let mut changes = manager.changes();
        let mut written = None;
        loop {
            let text = text(&manager);
            if written.as_ref() != Some(&text) || !self.0.exists() {
                match self.write(&text) {
                    Ok(()) => {
                        debug!(file = self.shown(), "the password file is right");
                        written = Some(text);
                    }
                    Err(error) => warn!(file = self.shown(), %error, "the password file is stale"),
                }
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { break },
                // Somebody may have removed it, or the whole directory.
                () = tokio::time::sleep(LOOK) => {}
                () = cancel.cancelled() => break,
            }
        }
    }

    /// Whole or not at all: a tool may be reading.
    fn write(&self, text: &str) -> io::Result<()> {
        let dir = self.0.parent().ok_or(io::ErrorKind::NotFound)?;
        // Made with mode 0600; libpq takes no other.
        let mut file = tempfile::Builder::new().prefix("pgpass.new-").tempfile_in(dir)?;
        file.write_all(text.as_bytes())?;
        file.persist(&self.0).map(drop).map_err(|error| error.error)
    }
}

/// However the daemon ends, passwords do not stay.
struct Removed<'a>(&'a Path);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        // Whoever removed it before us did our work.
        let _ = std::fs::remove_file(self.0);
    }
}

/// A line a session of the user's own that has a password.
fn text(manager: &Manager) -> Zeroizing<String> {
    let sessions = manager.sessions();
    Zeroizing::new(sessions.iter().filter_map(|live| line(live)).collect())
}

fn line(live: &Live) -> Option<String> {
    let held = live.database.held().filter(|_| live.identity() == Identity::Personal)?;
    let credentials = Credentials {
        endpoint: live.endpoint(),
        database: held.database.clone(),
        user: held.user.clone(),
        password: held.password.expose().clone(),
    };
    Some(credentials.passfile_line("*"))
}
