//! Moves a file out of the way under a new name, so that nothing is ever lost.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// So many problems in one second are no accident.
const TRIES: u32 = 100;

/// Renames `path` to `path.WORD-TIME` and returns the new name. Nobody else writes into the
/// directory (it is 0700, and we hold the daemon's lock), so a name that is free stays free.
pub(super) fn move_aside(path: &Path, word: &str) -> io::Result<PathBuf> {
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    for count in 0..TRIES {
        let mut name = OsString::from(path);
        name.push(format!(".{word}-{time}"));
        if count > 0 {
            name.push(format!("-{count}"));
        }
        let new = PathBuf::from(name);
        if is_free(&new)? {
            fs::rename(path, &new)?;
            return Ok(new);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn is_free(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
