//! One daemon for each user: a lock on a file, which the kernel lets go however the process ends.
//!
//! Whoever holds it may remove a socket file that a killed daemon left behind. It is held until
//! after our own socket file is gone, so that a successor never has its new one removed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The right to be the daemon. Dropping it gives it up.
#[derive(Debug)]
pub struct DaemonLock {
    /// Closing it unlocks.
    _file: File,
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
        write_pid(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
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
    fn a_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let (target, link) = (home.path().join("precious"), home.path().join("borealisd.lock"));
        std::fs::write(&target, "keep").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(matches!(DaemonLock::acquire(&link), Err(LockError::Io { .. })));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "keep");
    }
}
