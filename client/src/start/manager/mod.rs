//! The user's service manager: systemd or launchd. It starts the daemon at login or when somebody
//! knocks, and again when it dies.
//!
//! The texts that are installed are the repository's own `systemd/` and `launchd/` files, so that
//! what people read there is what they get.

mod launchd;
mod steps;
mod systemd;
mod tool;

use std::path::{Path, PathBuf};

pub use launchd::Launchd;
pub use steps::{Step, Steps};
pub use systemd::Systemd;
pub use tool::ToolError;

/// The service manager of this system, for this user.
#[derive(Debug)]
pub enum ServiceManager {
    /// `systemctl --user`
    Systemd(Systemd),
    /// `launchctl`
    Launchd(Launchd),
}

/// How the service is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Its files, those that are there.
    pub files: Vec<PathBuf>,
    /// The program that it runs.
    pub program: Option<String>,
    /// Whether it comes back at the next login.
    pub enabled: bool,
    /// Whether the manager listens, so that the next command starts it.
    pub listening: bool,
    /// The daemon that the manager runs now.
    pub pid: Option<u32>,
}

/// The service cannot be installed, removed or asked about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another system.
    #[error("borealisctl knows no service manager on this system")]
    Unsupported,
    /// No program to install.
    #[error("no borealisd is found to install")]
    NoProgram,
    /// Its path cannot stand in a service's file.
    #[error("{} has characters that no service file can hold", .0.display())]
    BadPath(PathBuf),
    /// A file.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The service manager's own program.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl Error {
    /// What to type next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unsupported => "borealisctl starts borealisd by itself when it is needed",
            Self::NoProgram => "install borealisd beside borealisctl, or name it with BOREALISD",
            Self::BadPath(_) => "install borealisd in a directory with a plain name",
            Self::File { .. } => "check who owns the directory",
            Self::Tool(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}

impl ServiceManager {
    /// The one of this system, whether the daemon is installed there or not.
    #[must_use]
    pub fn here(state_dir: &Path) -> Option<Self> {
        if cfg!(target_os = "linux") {
            Systemd::of_user().map(Self::Systemd)
        } else if cfg!(target_os = "macos") {
            Launchd::of_user(state_dir).map(Self::Launchd)
        } else {
            None
        }
    }

    /// For people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Systemd(_) => "systemd",
            Self::Launchd(_) => "launchd",
        }
    }

    /// Whether its files are there: a look at the disk, because to ask costs more than most
    /// commands do.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        match self {
            Self::Systemd(systemd) => systemd.is_installed(),
            Self::Launchd(launchd) => launchd.is_installed(),
        }
    }

    /// Writes and enables it. Says in `steps` what it did; starts nothing.
    ///
    /// # Errors
    /// When a file cannot be written, or the manager refuses.
    pub async fn install(&self, program: &Path, steps: &mut Steps) -> Result<(), Error> {
        let program = std::path::absolute(program).unwrap_or(program.to_owned());
        match self {
            Self::Systemd(systemd) => systemd.install(&program, steps).await,
            Self::Launchd(launchd) => launchd.install(&program, steps).await,
        }
    }

    /// Starts what [`ServiceManager::install`] wrote: the socket, and with `at_once` the daemon
    /// too.
    ///
    /// # Errors
    /// When the manager refuses.
    pub async fn activate(&self, at_once: bool, steps: &mut Steps) -> Result<(), Error> {
        match self {
            Self::Systemd(systemd) => systemd.activate(at_once, steps).await,
            Self::Launchd(launchd) => launchd.activate(steps).await,
        }
    }

    /// Stops it, and takes everything away that [`ServiceManager::install`] made.
    ///
    /// # Errors
    /// When a file cannot be removed, or the manager refuses.
    pub async fn uninstall(&self, steps: &mut Steps) -> Result<(), Error> {
        match self {
            Self::Systemd(systemd) => systemd.uninstall(steps).await,
            Self::Launchd(launchd) => launchd.uninstall(steps).await,
        }
    }

    /// How it is.
    ///
    /// # Errors
    /// When the manager does not say.
    pub async fn status(&self) -> Result<Status, Error> {
        match self {
            Self::Systemd(systemd) => systemd.status().await,
            Self::Launchd(launchd) => launchd.status().await,
        }
    }

    /// Sees to it that it listens, or runs.
    ///
    /// # Errors
    /// When the manager refuses.
    pub async fn start(&self) -> Result<(), Error> {
        let mut steps = Steps::default();
        match self {
            Self::Systemd(systemd) => systemd.start(&mut steps).await,
            Self::Launchd(launchd) => launchd.activate(&mut steps).await,
        }
    }

    /// Ends the daemon. Where the manager listens it goes on to, so the next command starts it.
    ///
    /// # Errors
    /// When the manager refuses.
    pub async fn stop(&self) -> Result<(), Error> {
        match self {
            Self::Systemd(systemd) => systemd.stop().await,
            Self::Launchd(launchd) => launchd.stop().await,
        }
    }

    /// Ends the daemon and starts it.
    ///
    /// # Errors
    /// When the manager refuses.
    pub async fn restart(&self) -> Result<(), Error> {
        match self {
            Self::Systemd(systemd) => systemd.restart().await,
            Self::Launchd(launchd) => launchd.restart().await,
        }
    }
}
