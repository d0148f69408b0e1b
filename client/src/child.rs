//! A program in the foreground: it has the terminal, the client stands behind it and ends as it
//! did.

use std::io;
use std::path::PathBuf;

use tokio::process::Command;

use crate::exit::Code;
use crate::signals::Signals;

/// The program did not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such program.
    #[error("{program} is not found", program = program.display())]
    NotFound {
        /// As it was asked for.
        program: PathBuf,
    },
    /// The system refuses.
    #[error("cannot run {program}: {source}", program = program.display())]
    Io {
        /// As it was asked for.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// What to type next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { program } if program.ends_with("psql") => Some(PSQL.to_owned()),
            Self::NotFound { .. } | Self::Io { .. } => None,
        }
    }
}

const PSQL: &str = if cfg!(target_os = "macos") {
    "install it: brew install libpq && brew link --force libpq; or name it with --binary-path"
} else if cfg!(windows) {
    "install it: winget install PostgreSQL.PostgreSQL.17; or name it with --binary-path"
} else {
    "install it: apt install postgresql-client, dnf install postgresql; or name it with \
     --binary-path"
};

/// Runs the program to its end.
///
/// # Errors
/// When it cannot be started.
pub async fn run(mut command: Command) -> Result<Code, Error> {
    let program = PathBuf::from(command.as_std().get_program());
    let failed = |source: io::Error| match source.kind() == io::ErrorKind::NotFound {
        true => Error::NotFound { program: program.clone() },
        false => Error::Io { program: program.clone(), source },
    };
    // Before the child is there, so that no Ctrl+C meant for it ends us.
    let mut signals = Signals::catch().map_err(failed)?;
    let mut child = command.spawn().map_err(failed)?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(Code::of_child(status.map_err(failed)?)),
            signal = signals.next() => signal.pass_on(&child),
        }
    }
}
