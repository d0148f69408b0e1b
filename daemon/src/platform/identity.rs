//! Whether a name still means the file that it meant.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Tells one file from another, for as long as the one is there or open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
    /// When it was made, where the system says so: numbers are given away again.
    made: Option<SystemTime>,
}

impl Identity {
    /// Of an open file.
    pub(super) fn of(file: &File) -> Option<Self> {
        file.metadata().ok().map(|found| Self::from(&found))
    }

    /// Of what stands at a path, a symbolic link itself included.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        std::fs::symlink_metadata(path).ok().map(|found| Self::from(&found))
    }
}

impl From<&Metadata> for Identity {
    fn from(found: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            #[cfg(unix)]
            device: found.dev(),
            #[cfg(unix)]
            inode: found.ino(),
            made: found.created().ok(),
        }
    }
}

/// The file of the program that runs.
#[derive(Debug)]
pub struct ProgramFile(Option<(PathBuf, Identity)>);

impl ProgramFile {
    /// Ours. To be called at the start: later its name may mean another.
    #[must_use]
    pub fn ours() -> Self {
        let path = std::env::current_exe().ok();
        Self(path.and_then(|path| Some((path.clone(), Identity::at(&path)?))))
    }

    /// Whether another one has its name by now. One that was removed has no successor.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        let Self(Some((path, ours))) = self else { return false };
        Identity::at(path).is_some_and(|now| now != *ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_same_name_is_another() {
        let home = tempfile::tempdir().unwrap();
        let (path, new) = (home.path().join("program"), home.path().join("new"));
        std::fs::write(&path, "one").unwrap();
        let ours = ProgramFile(Some((path.clone(), Identity::at(&path).unwrap())));
        assert!(!ours.is_replaced());
        std::fs::write(&new, "two").unwrap();
        std::fs::rename(&new, &path).unwrap();
        assert!(ours.is_replaced());
        std::fs::remove_file(&path).unwrap();
        assert!(!ours.is_replaced(), "there is nothing to change over to");
        assert!(!ProgramFile::ours().is_replaced());
    }
}
