//! Directories of the user's alone: logs and histories hold what others need not read.

use std::io;
use std::path::Path;

/// Creates the directory, and those above it that are missing. One that is there stays as it is.
#[cfg(unix)]
pub(crate) fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The user's own directories are private on Windows.
#[cfg(windows)]
pub(crate) fn create(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}
