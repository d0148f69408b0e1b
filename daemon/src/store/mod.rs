//! The state file: which sessions the user wants. Nothing else is kept on disk, and no secret.
//!
//! It is written whole or not at all, and read as if somebody had been at it: whatever is not
//! right is moved aside, never overwritten, and said; the daemon starts without sessions rather
//! than not at all.

mod aside;
mod format;
#[cfg(test)]
mod fuzz;
mod read;
mod write;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

pub use format::WantedSession;
pub use write::SaveError;

/// The state file. Clones are the same file.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    /// Set when something that we could not move aside stands in its place; it stays untouched.
    occupied: bool,
    /// Guards the order of saves: the last one asked for is the one that stays.
    order: Arc<Mutex<()>>,
}

/// What [`Store::load`] found.
#[derive(Debug)]
pub struct Loaded {
    /// To save to from now on.
    pub store: Store,
    /// What the user wanted when the daemon last ran.
    pub sessions: Vec<WantedSession>,
    /// What a person should hear of it.
    pub notice: Option<String>,
}

impl Store {
    /// Reads the file; blocks, at most for a megabyte. Only the holder of the daemon's lock may.
    #[must_use]
    pub fn load(path: &Path) -> Loaded {
        let (sessions, notice, occupied) = match read::read(path) {
            Ok(sessions) => (sessions, None, false),
            Err(problem) => match aside::move_aside(path, problem.word()) {
                Ok(new) => (Vec::new(), Some(problem.moved(path, &new)), false),
                Err(error) => (Vec::new(), Some(problem.stuck(path, &error)), true),
            },
        };
        if let Some(notice) = &notice {
            tracing::warn!("{notice}");
        }
        let store = Self { path: path.to_owned(), occupied, order: Arc::default() };
        Loaded { store, sessions, notice }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file's content. Saves happen in the order in which they are asked for, and one
    /// that has begun is finished also when its caller has gone.
    ///
    /// # Errors
    /// When the disk is full or read-only, for one. The old file is whole then.
    pub async fn save(&self, sessions: &[WantedSession]) -> Result<(), SaveError> {
        if self.occupied {
            return Err(SaveError::Occupied { path: self.path.clone() });
        }
        let text = format::to_text(sessions);
        let path = self.path.clone();
        let turn = Arc::clone(&self.order).lock_owned().await;
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            write::replace(&path, &text?)
        });
        task.await.unwrap_or(Err(SaveError::Interrupted))
    }
}
