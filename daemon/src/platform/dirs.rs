//! Directories that nobody else can look into or plant files in.
//!
//! The control socket has no password: whoever can reach it is the user. On Unix the first wall is
//! a directory of mode 0700, checked and not assumed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A directory that cannot be trusted with sockets or state.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// Making it or looking at it failed.
    #[error("cannot use the directory {path}", path = path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file or a symbolic link stands there.
    #[error("{path} is not a directory (a symbolic link is not followed)", path = path.display())]
    NotADirectory {
        /// What was looked at.
        path: PathBuf,
    },
    /// Another user owns it.
    #[error("the directory {path} belongs to user {owner}, not to us", path = path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// Somebody has opened it to others since.
    #[error("the directory {path} is open to other users (mode {mode:o})", path = path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others may enter, and it holds more than our files: closing it could break somebody.
    #[error(
        "the directory {path} is open to other users (mode {mode:o}) and holds files that are not \
         ours: name one that is ours alone, mode 700", path = path.display()
    )]
    Shared {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// Whether files in that directory are memory, and gone with a reboot.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_memory(dir: &Path) -> bool {
    /// `TMPFS_MAGIC`, statfs(2).
    const TMPFS: u64 = 0x0102_1994;
    // The field's type differs from machine to machine.
    #[expect(clippy::allow_attributes, reason = "only some machines need the allowance")]
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "see above")]
    rustix::fs::statfs(dir).is_ok_and(|found| found.f_type as u64 == TMPFS)
}

/// Whether files in that directory are memory: there is no such place.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn is_memory(_dir: &Path) -> bool {
    false
}

/// Makes `path` and what is missing above it, for us alone, and checks that it is so.
///
/// A directory of ours that others may enter is closed to them, if nothing but our files is in it.
///
/// # Errors
/// When it cannot be made, or is not a directory, not ours, or shared.
#[cfg(unix)]
pub fn private_dir(path: &Path) -> Result<(), DirError> {
    use std::fs;
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    let failed = |source| DirError::Io { path: path.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).or_else(|error| {
        // A link or a file in its place: what follows says so better.
        if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(failed(error)) }
    })?;
    let mode = mode_of_ours(path)?;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    if !holds_only_ours(path).map_err(failed)? {
        return Err(DirError::Shared { path: path.to_owned(), mode });
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

/// Windows keeps a user's profile from other users by its inherited access list.
///
/// # Errors
/// When it cannot be made.
#[cfg(not(unix))]
pub fn private_dir(path: &Path) -> Result<(), DirError> {
    std::fs::create_dir_all(path).map_err(|source| DirError::Io { path: path.to_owned(), source })
}

/// Whether `path` is still as [`private_dir`] left it, and whether something can be written there.
/// Blocks, and leaves nothing behind.
///
/// # Errors
/// When it is not, or when nothing can.
pub fn check_private_dir(path: &Path) -> Result<(), DirError> {
    #[cfg(unix)]
    {
        let mode = mode_of_ours(path)?;
        if mode & 0o077 != 0 {
            return Err(DirError::Open { path: path.to_owned(), mode });
        }
    }
    write_something(path).map_err(|source| DirError::Io { path: path.to_owned(), source })
}

/// A disk that is full takes names, but no bytes.
fn write_something(dir: &Path) -> io::Result<()> {
    // Removed when it is dropped.
    let mut file = tempfile::Builder::new().prefix("borealisd.check-").tempfile_in(dir)?;
    file.write_all(b"can this be written?\n")?;
    file.as_file().sync_all()
}

/// Its permission bits, if it is a directory and ours.
#[cfg(unix)]
fn mode_of_ours(path: &Path) -> Result<u32, DirError> {
    use std::os::unix::fs::MetadataExt;

    let found = std::fs::symlink_metadata(path)
        .map_err(|source| DirError::Io { path: path.to_owned(), source })?;
    if !found.is_dir() {
        return Err(DirError::NotADirectory { path: path.to_owned() });
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(DirError::Foreign { path: path.to_owned(), owner: found.uid() });
    }
    Ok(found.mode() & 0o7777)
}

/// How the names of our files begin: socket, lock, log; state file; the socket's directory.
#[cfg(unix)]
const OUR_NAMES: [&str; 3] = ["borealis", "sessions.json", "run"];

/// Guards `/tmp`, `/run` and home directories from a wrong `BOREALIS_SOCKET`.
#[cfg(unix)]
fn holds_only_ours(path: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if !OUR_NAMES.iter().any(|ours| name.starts_with(ours)) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn loosen(path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn all_that_is_made_is_closed() {
        let home = tempfile::tempdir().unwrap();
        let deep = home.path().join("a/b");
        private_dir(&deep).unwrap();
        assert_eq!((mode(&deep), mode(&home.path().join("a"))), (0o700, 0o700));
        private_dir(&deep).unwrap();
    }

    #[test]
    fn a_check_changes_nothing_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("state");
        private_dir(&dir).unwrap();
        check_private_dir(&dir).unwrap();
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        loosen(&dir);
        let error = check_private_dir(&dir).unwrap_err();
        assert!(matches!(error, DirError::Open { mode: 0o755, .. }), "{error}");
        assert_eq!(mode(&dir), 0o755);
        let error = check_private_dir(&home.path().join("gone")).unwrap_err();
        assert!(matches!(error, DirError::Io { .. }), "{error}");
    }

    #[test]
    fn a_loose_one_with_only_our_files_is_closed() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("borealisd.log"), "").unwrap();
        loosen(home.path());
        private_dir(home.path()).unwrap();
        assert_eq!(mode(home.path()), 0o700);
    }

    #[test]
    fn a_shared_one_is_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("thesis.tex"), "").unwrap();
        loosen(home.path());
        let error = private_dir(home.path()).unwrap_err();
        assert!(matches!(error, DirError::Shared { mode: 0o755, .. }), "{error}");
        assert_eq!(mode(home.path()), 0o755);
    }

    #[test]
    fn links_and_files_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let (real, link, file) =
            (home.path().join("real"), home.path().join("link"), home.path().join("file"));
        fs::create_dir(&real).unwrap();
        symlink(&real, &link).unwrap();
        fs::write(&file, "").unwrap();
        for path in [link, file] {
            let error = private_dir(&path).unwrap_err();
            assert!(matches!(error, DirError::NotADirectory { .. }), "{error}");
        }
    }

    #[test]
    fn another_users_is_refused() {
        // Only root can make one.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(home.path(), Some(12345), None).unwrap();
        let error = private_dir(home.path()).unwrap_err();
        assert!(matches!(error, DirError::Foreign { owner: 12345, .. }), "{error}");
    }
}
