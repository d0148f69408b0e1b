//! One daemon for each user: a lock on a file, which the kernel lets go however the process ends.
//!
//! Whoever holds it may remove a socket file that a killed daemon left behind. It is held until
//! after our own socket file is gone, so that a successor never has its new one removed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::dirs::{DirError, private_dir};
use super::identity::Identity;

/// The right to be the daemon. Dropping it gives it up.
#[derive(Debug)]
pub struct DaemonLock {
    path: PathBuf,
    /// Guards the file that is locked. Closing it unlocks.
    file: Mutex<File>,
}

/// The lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A daemon is running.
    #[error("already running{pid}: it holds {path}", path = path.display(), pid = of(*pid))]
    Held {
        /// The lock's file.
        path: PathBuf,
        /// What the holder wrote into it; only for people.
        pid: Option<u32>,
    },
    /// There is no directory for it.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// The file cannot be opened or locked.
    #[error("cannot lock {path}", path = path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl DaemonLock {
    /// Takes the lock at once or not at all. The file stays behind; only the lock on it counts.
    ///
    /// # Errors
    /// When a daemon is running, or the file cannot be used.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = read_pid(&mut file);
                return Err(LockError::Held { path: path.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Only for people, and a disk that is full or read-only has no room for it.
        let _not_told = write_pid(&mut file);
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Sees to it that the lock keeps a second daemon away, also after somebody has removed its
    /// file. Says whether that was so. Blocks.
    ///
    /// # Errors
    /// [`LockError::Held`] when another daemon has a lock of that name by now.
    pub fn renew(&self) -> Result<bool, LockError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if Identity::of(&file).is_none_or(|ours| Identity::at(&self.path) == Some(ours)) {
            return Ok(false);
        }
        if let Some(dir) = self.path.parent() {
            private_dir(dir)?;
        }
        *file =
            Self::acquire(&self.path)?.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(true)
    }
}

/// A file that is there can be locked where nothing can be written.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    match open_with(&mut options, path) {
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            open_with(OpenOptions::new().read(true), path).map_err(|_absent| error)
        }
        opened => opened,
    }
}

fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path)
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn of(pid: Option<u32>) -> String {
    pid.map(|pid| format!(", pid {pid}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it_and_gets_it_later() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("borealisd.lock");
        let first = DaemonLock::acquire(&path).unwrap();
        let error = DaemonLock::acquire(&path).unwrap_err();
        let us = std::process::id();
        assert!(matches!(error, LockError::Held { pid: Some(pid), .. } if pid == us), "{error}");
        drop(first);
        DaemonLock::acquire(&path).unwrap();
    }

    #[test]
    fn an_old_files_text_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("borealisd.lock");
        std::fs::write(&path, "something much longer than a pid\n").unwrap();
        let _held = DaemonLock::acquire(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_whose_file_was_removed_is_taken_anew_unless_another_has_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/borealisd.lock");
        private_dir(path.parent().unwrap()).unwrap();
        let lock = DaemonLock::acquire(&path).unwrap();
        assert!(!lock.renew().unwrap(), "nothing has happened");
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        assert!(lock.renew().unwrap());
        assert!(matches!(DaemonLock::acquire(&path), Err(LockError::Held { .. })));
        std::fs::remove_file(&path).unwrap();
        let another = DaemonLock::acquire(&path).unwrap();
        assert!(matches!(lock.renew(), Err(LockError::Held { .. })));
        drop(another);
        assert!(lock.renew().unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let (target, link) = (home.path().join("precious"), home.path().join("borealisd.lock"));
        std::fs::write(&target, "keep").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(matches!(DaemonLock::acquire(&link), Err(LockError::Io { .. })));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "keep");
    }
}
