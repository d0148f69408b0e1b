//! Replaces the file: the new one is complete on disk before it takes the name.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The sessions were not saved. The old file is whole.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The disk is full, read-only or gone.
    #[error("cannot write the state file {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What stands there could not be moved aside when the daemon started.
    #[error("something that is not ours stands in the place of the state file {path}", path = path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// A session that JSON cannot hold.
    #[error("the sessions cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The runtime is shutting down.
    #[error("the daemon ends")]
    Interrupted,
}

pub(super) fn replace(path: &Path, text: &[u8]) -> Result<(), SaveError> {
    try_replace(path, text).map_err(|source| SaveError::Io { path: path.to_owned(), source })
}

fn try_replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::NotFound)?;
    // Made with mode 0600, and removed again when anything below fails.
    let mut file = tempfile::Builder::new().prefix("sessions.json.new-").tempfile_in(dir)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_dir(dir)
}

/// The name is in the directory, which has a cache of its own.
#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

/// Windows does not open directories as files.
#[cfg(not(unix))]
fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}
