//! Reads the file, trusting nothing about it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::format::{self, WantedSession};

/// Thousands of sessions fit; more is not ours.
const MOST: u64 = 1024 * 1024;

/// Why the file cannot be used.
#[derive(Debug)]
pub(super) enum Problem {
    Truncated,
    Corrupt(String),
    Newer(u64),
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix numbers the owners of files"))]
    Foreign(u32),
    Symlink,
    NotAFile,
    TooLarge,
    Unreadable(io::Error),
}

impl Problem {
    /// Goes into the new name of the file.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Corrupt(_) => "corrupt",
            Self::Newer(_) => "newer",
            Self::Foreign(_) => "foreign",
            Self::Symlink => "symlink",
            Self::NotAFile => "not-a-file",
            Self::TooLarge => "too-large",
            Self::Unreadable(_) => "unreadable",
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Truncated => "ends in the middle".to_owned(),
            Self::Corrupt(what) => format!("is not right ({what})"),
            Self::Newer(version) => format!("is from a newer borealisd (format {version})"),
            Self::Foreign(owner) => format!("belongs to another user ({owner})"),
            Self::Symlink => "is a symbolic link".to_owned(),
            Self::NotAFile => "is not a file".to_owned(),
            Self::TooLarge => "is larger than any that borealisd writes".to_owned(),
            Self::Unreadable(error) => format!("cannot be read ({error})"),
        }
    }

    pub(super) fn moved(&self, path: &Path, new: &Path) -> String {
        format!(
            "The state file {} {}. It was moved to {}, and no session was taken from it.",
            path.display(),
            self.words(),
            new.display()
        )
    }

    pub(super) fn stuck(&self, path: &Path, error: &io::Error) -> String {
        format!(
            "The state file {} {}, and it cannot be moved aside ({error}). Sessions will not be \
             remembered until it is gone and the daemon is started again.",
            path.display(),
            self.words()
        )
    }
}

/// A missing file is no sessions.
pub(super) fn read(path: &Path) -> Result<Vec<WantedSession>, Problem> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => return Err(Problem::Symlink),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Problem::Unreadable(error)),
    }
    let file = open(path).map_err(Problem::Unreadable)?;
    let found = file.metadata().map_err(Problem::Unreadable)?;
    if !found.is_file() {
        return Err(Problem::NotAFile);
    }
    owned_by_us(&found)?;
    let mut text = Vec::new();
    file.take(MOST + 1).read_to_end(&mut text).map_err(Problem::Unreadable)?;
    if text.len() as u64 > MOST {
        return Err(Problem::TooLarge);
    }
    format::from_text(&text)
}

/// Neither follows a link that appeared meanwhile, nor waits for the writer of a pipe.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn owned_by_us(found: &fs::Metadata) -> Result<(), Problem> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(Problem::Foreign(found.uid()))
    }
}

#[cfg(not(unix))]
fn owned_by_us(_found: &fs::Metadata) -> Result<(), Problem> {
    Ok(())
}
