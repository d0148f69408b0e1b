//! Sees to it that a daemon runs: through the service manager where it is installed there, else
//! as a detached process of its own.

mod detached;
pub mod manager;
pub mod program;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use borealis_proto::Paths;
use tokio::time::{Instant, sleep, timeout};

use crate::api::{self, Api};
use detached::Attempt;
use manager::ServiceManager;

/// How long a daemon may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// A service manager that does not answer is as good as none.
const MANAGER: Duration = Duration::from_secs(5);

/// Between two looks at the socket: short at first, because a daemon is up within milliseconds.
const LOOKS: [u64; 5] = [2, 5, 10, 20, 50];

/// How many lines of the log are shown when it does not come up.
const LOG_LINES: usize = 10;

/// The daemon is not reachable, and starting it did not help.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No program.
    #[error("nobody listens on {path}, and no borealisd is found", path = socket.display())]
    NotFound {
        /// Where it should listen.
        socket: PathBuf,
    },
    /// The program cannot be started.
    #[error(
        "nobody listens on {path}, and {program} cannot be started: {source}",
        path = socket.display(), program = program.display()
    )]
    Spawn {
        /// Where it should listen.
        socket: PathBuf,
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no place for its first words.
    #[error("cannot write {path}: {source}", path = path.display())]
    Log {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another one serves, and not here.
    #[error("another borealisd of yours serves, and nobody listens on {socket}{log}", socket = socket.display())]
    Elsewhere {
        /// Where it should listen.
        socket: PathBuf,
        /// What was said of it, on lines of its own.
        log: LogEnd,
    },
    /// It ended, or does not listen.
    #[error("borealisd {what}: nobody listens on {socket}{log}", socket = socket.display())]
    Failed {
        /// What it did instead.
        what: String,
        /// Where it should listen.
        socket: PathBuf,
        /// The end of its log, on lines of its own.
        log: LogEnd,
    },
    /// The socket is there, and cannot be used.
    #[error(transparent)]
    Api(#[from] api::Error),
}

/// The last lines of a log, each indented below the error that they explain.
#[derive(Debug, Default)]
pub struct LogEnd(Vec<String>);

impl std::fmt::Display for LogEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

impl Error {
    /// What to type next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotFound { .. } | Self::Spawn { .. } => {
                "install borealisd beside borealisctl, or name it with BOREALISD"
            }
            Self::Failed { .. } => "borealisctl daemon logs",
            Self::Elsewhere { .. } => {
                "set BOREALIS_SOCKET, or XDG_RUNTIME_DIR, as it was where that one was started"
            }
            Self::Log { .. } => "check the directory, or set BOREALIS_STATE_DIR",
            Self::Api(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}

/// Starts a daemon unless one listens: through the service manager where it is installed with one.
///
/// # Errors
/// When none listens in the end.
pub async fn ensure(
    api: &Api,
    paths: &Paths,
    installed: Option<&ServiceManager>,
) -> Result<(), Error> {
    if api.listens().await? {
        return Ok(());
    }
    let deadline = Instant::now() + PATIENCE;
    if let Some(manager) = installed
        && started_by(manager).await
        && listens_until(api, deadline, None).await?
    {
        return Ok(());
    }
    start_detached(api, paths, deadline).await
}

/// Whether the service manager was asked, and agreed.
async fn started_by(manager: &ServiceManager) -> bool {
    matches!(timeout(MANAGER, manager.start()).await, Ok(Ok(())))
}

/// One that ends without a fault has met another one: that one is about to listen, or about to
/// leave, so a little later we look, and try, again.
async fn start_detached(api: &Api, paths: &Paths, deadline: Instant) -> Result<(), Error> {
    let mut elsewhere = false;
    loop {
        let mut attempt = Attempt::spawn(paths)?;
        if listens_until(api, deadline, Some(&mut attempt)).await? {
            return Ok(());
        }
        let gave_way = attempt.gave_way();
        elsewhere |= gave_way;
        if !gave_way || Instant::now() >= deadline {
            if let Some(unwritable) = attempt.unwritable() {
                return Err(unwritable);
            }
            let socket = paths.socket.clone();
            return Err(match elsewhere {
                // Each of them has said the same.
                true => Error::Elsewhere { socket, log: LogEnd(attempt.log_end(1)) },
                false => {
                    let log = LogEnd(attempt.log_end(LOG_LINES));
                    Error::Failed { what: attempt.outcome(), socket, log }
                }
            });
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Whether somebody listens before the deadline, and before the attempt has ended.
async fn listens_until(
    api: &Api,
    deadline: Instant,
    mut attempt: Option<&mut Attempt>,
) -> Result<bool, Error> {
    let mut looks = LOOKS.iter().copied();
    let mut pause = Duration::ZERO;
    while Instant::now() < deadline {
        // In this order: one that ends may have met another one that listens.
        let ended = attempt.as_mut().is_some_and(|attempt| attempt.has_ended());
        if api.listens().await? {
            return Ok(true);
        }
        if ended {
            return Ok(false);
        }
        pause = looks.next().map_or(pause, Duration::from_millis);
        sleep(pause).await;
    }
    Ok(false)
}
