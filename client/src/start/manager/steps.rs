//! What was done to the system, step by step, so that it can be shown.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Error;

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A file is new, or has other text now.
    Wrote(PathBuf),
    /// A file was right already.
    Kept(PathBuf),
    /// A file is gone.
    Removed(PathBuf),
    /// A command of the service manager.
    Ran(String),
    /// A daemon that somebody had started by hand.
    Stopped(u32),
}

/// All of it, in order.
#[derive(Debug, Default)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// In order.
    #[must_use]
    pub fn all(&self) -> &[Step] {
        &self.0
    }

    /// Whether a file is not as it was.
    #[must_use]
    pub fn changed_files(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Wrote(_) | Step::Removed(_)))
    }

    /// Takes down something that was done.
    pub fn add(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Sees to it that a file holds this text.
    pub(super) fn write(&mut self, path: PathBuf, text: &str) -> Result<(), Error> {
        if fs::read_to_string(&path).is_ok_and(|held| held == text) {
            self.add(Step::Kept(path));
            return Ok(());
        }
        let failed = |source| Error::File { what: "write", path: path.clone(), source };
        whole(&path, text).map_err(failed)?;
        self.add(Step::Wrote(path));
        Ok(())
    }

    /// Sees to it that there is no such file.
    pub(super) fn remove(&mut self, path: PathBuf) -> Result<(), Error> {
        match fs::remove_file(&path) {
            Ok(()) => self.add(Step::Removed(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::File { what: "remove", path, source }),
        }
        Ok(())
    }
}

/// The service manager may read at any moment, so the file appears whole.
fn whole(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = dir.join(name);
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    // launchd refuses a file that a group may write, whatever the user's umask says.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    options.open(&new)?.write_all(text.as_bytes())?;
    fs::rename(&new, path)
}
