//! A daemon as a process of its own, which outlives us and our terminal.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use borealis_proto::Paths;

use super::{Error, program};
use crate::private_dir;

/// The exit code of a daemon that found another one.
const ANOTHER_SERVES: i32 = 3;

/// One try.
pub(super) struct Attempt {
    child: Child,
    ended: Option<ExitStatus>,
    /// What it says before its own log is open, …
    log: PathBuf,
    /// … then that log.
    own_log: PathBuf,
    /// Nothing can be written there.
    unwritable: Option<io::Error>,
}

impl Attempt {
    pub(super) fn spawn(paths: &Paths) -> Result<Self, Error> {
        let program =
            program::find().ok_or_else(|| Error::NotFound { socket: paths.socket.clone() })?;
        let state_dir = &paths.state_dir;
        private_dir::create(state_dir)
            .map_err(|source| Error::Log { path: state_dir.clone(), source })?;
        let log = state_dir.join("borealisd.start.log");
        let (stderr, unwritable) = first_words(&log)?;
        let mut command = Command::new(&program);
        if let Some(config) = env::var_os("BOREALIS_CONFIG").filter(|path| !path.is_empty()) {
            command.env("BOREALIS_CONFIG", std::path::absolute(&config).unwrap_or(config.into()));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        // Our terminal's or our own unit's: the daemon's log is not to be looked for there.
        command.env_remove("JOURNAL_STREAM");
        detach(&mut command);
        if [&program, &paths.socket, state_dir].into_iter().all(|path| path.is_absolute()) {
            // The user's directory may be unmounted or removed long before the daemon ends.
            command.current_dir(state_dir);
        }
        let child = command.spawn().map_err(|source| {
            let socket = paths.socket.clone();
            Error::Spawn { socket, program, source }
        })?;
        Ok(Self { child, ended: None, log, own_log: paths.log_file(), unwritable })
    }

    /// Why it has no log, if that is what stands in its way.
    pub(super) fn unwritable(&mut self) -> Option<Error> {
        let source = self.unwritable.take()?;
        Some(Error::Log { path: self.log.clone(), source })
    }

    pub(super) fn has_ended(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended.is_some()
    }

    /// Whether it ended because another daemon serves.
    pub(super) fn gave_way(&self) -> bool {
        self.ended.is_some_and(|status| status.success() || status.code() == Some(ANOTHER_SERVES))
    }

    pub(super) fn outcome(&self) -> String {
        match self.ended {
            Some(status) => format!("ended with {status}"),
            None => "does not come up".to_owned(),
        }
    }

    /// The last lines of the first log that has any.
    pub(super) fn log_end(&self, lines: usize) -> Vec<String> {
        let ends = [&self.log, &self.own_log].into_iter().map(|log| last_lines(log, lines));
        ends.into_iter().find(|end| !end.is_empty()).unwrap_or_default()
    }
}

/// Where its first words go. A disk that is full or read-only is no reason not to try: it may serve
/// all the same.
fn first_words(log: &Path) -> Result<(Stdio, Option<io::Error>), Error> {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match for_the_user_alone(log) {
        Ok(file) => Ok((file.into(), None)),
        Err(error) if matches!(error.kind(), ReadOnlyFilesystem | StorageFull | QuotaExceeded) => {
            Ok((Stdio::null(), Some(error)))
        }
        Err(source) => Err(Error::Log { path: log.to_owned(), source }),
    }
}

/// An empty file that nobody else can read.
fn for_the_user_alone(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The log is small: it is new with each start, or cut by rotation.
fn last_lines(path: &Path, lines: usize) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.into_iter().skip(from).map(str::to_owned).collect()
}

/// A process group of its own, so that Ctrl+C in our terminal is not meant for it.
#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const DETACHED_PROCESS: u32 = 0x8;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    keep_our_handles();
}

/// Windows gives a child every handle that can be inherited, beside those it is meant to have. With
/// our stdout the daemon would keep a shell that reads it waiting for as long as it lives. Children
/// that are meant to have these get copies.
#[cfg(windows)]
fn keep_our_handles() {
    use std::os::windows::io::AsRawHandle;
    use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation};
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    for handle in [stdin.as_raw_handle(), stdout.as_raw_handle(), stderr.as_raw_handle()] {
        // One that is not there cannot be inherited either.
        #[expect(unsafe_code, reason = "the standard library cannot say it; no memory is touched")]
        let _absent = unsafe { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0) };
    }
}
