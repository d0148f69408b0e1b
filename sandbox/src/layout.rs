//! Where a sandbox keeps its files: one directory, made here and removed at the end.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Two Unix sockets lie under the directory, and their paths may have 104 bytes on macOS.
const LONGEST_DIR: usize = 75;

/// The directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has something in it already.
    #[error("{} is not empty; name a directory that does not exist yet", .0.display())]
    NotEmpty(PathBuf),
    /// Unix sockets under it would have names that are too long.
    #[error("{} is too long a path for the sockets in it; at most {LONGEST_DIR} bytes", .0.display())]
    TooLong(PathBuf),
    /// It cannot be made.
    #[error("cannot make {}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Layout {
    dir: PathBuf,
}

impl Layout {
    pub(crate) fn create(wanted: Option<PathBuf>) -> Result<Self, Error> {
        let dir = match wanted {
            Some(dir) => make_empty(dir)?,
            None => temporary()?,
        };
        if dir.as_os_str().len() > LONGEST_DIR {
            return Err(Error::TooLong(dir));
        }
        let layout = Self { dir };
        // Postgres' user must get through to its own part.
        layout.make(layout.dir(), 0o711)?;
        for private in [layout.ssh(), layout.scratch(), layout.run(), layout.state()] {
            layout.make(&private, 0o700)?;
        }
        Ok(layout)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.dir.join("pg")
    }

    pub(crate) fn ssh(&self) -> PathBuf {
        self.dir.join("ssh")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.ssh().join("scratch")
    }

    /// For the daemon that is pointed at this sandbox.
    pub(crate) fn socket(&self) -> PathBuf {
        self.run().join("borealis.sock")
    }

    /// For the daemon that is pointed at this sandbox.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// For the daemon that is pointed at this sandbox; not made.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("config.toml")
    }

    fn run(&self) -> PathBuf {
        self.dir.join("run")
    }

    fn make(&self, path: &Path, mode: u32) -> Result<(), Error> {
        fs::create_dir_all(path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
            .map_err(|source| Error::Io { path: path.to_owned(), source })
    }
}

fn make_empty(dir: PathBuf) -> Result<PathBuf, Error> {
    let absolute = fs::create_dir_all(&dir)
        .and_then(|()| dir.canonicalize())
        .and_then(|dir| Ok((fs::read_dir(&dir)?.next().is_none(), dir)));
    match absolute {
        Ok((true, dir)) => Ok(dir),
        Ok((false, dir)) => Err(Error::NotEmpty(dir)),
        Err(source) => Err(Error::Io { path: dir, source }),
    }
}

fn temporary() -> Result<PathBuf, Error> {
    let made = tempfile::Builder::new().prefix("bsb-").tempdir();
    made.map(tempfile::TempDir::keep)
        .map_err(|source| Error::Io { path: std::env::temp_dir(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.txt"), "precious").unwrap();
        let refused = Layout::create(Some(dir.path().to_owned()));
        assert!(matches!(refused, Err(Error::NotEmpty(_))));
        assert!(dir.path().join("thesis.txt").exists());
    }

    #[test]
    fn a_path_too_long_for_sockets_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let long = dir.path().join("x".repeat(80));
        assert!(matches!(Layout::create(Some(long)), Err(Error::TooLong(_))));
    }
}
