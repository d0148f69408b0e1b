//! What ends a command: the errors of the rooms, and how each is told to a person.

use std::io;
use std::path::PathBuf;

use borealis_proto::{Access, ErrorCode, PathsError, Session, SettingsError};

use crate::{api, child, select, start, target};

/// A command that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was typed makes no sense together.
    #[error("{message}")]
    Usage {
        /// What does not fit.
        message: String,
        /// What to type.
        hint: String,
    },
    /// The settings file.
    #[error("{path}: {source}", path = path.display())]
    Settings {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: SettingsFault,
    },
    /// No place for socket and state.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// The target.
    #[error(transparent)]
    Target(#[from] target::Error),
    /// The open sessions do not have it.
    #[error(transparent)]
    Select(#[from] select::Error),
    /// The daemon, or the way to it.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// The daemon does not start.
    #[error(transparent)]
    Start(#[from] start::Error),
    /// The service manager.
    #[error(transparent)]
    Service(#[from] start::manager::Error),
    /// A program that we ought to start.
    #[error(transparent)]
    Child(#[from] child::Error),
    /// The session is there, but not up.
    #[error("{}", not_up(.0))]
    NotUp(Box<Session>),
    /// What `restore` made did not become an add-on.
    #[error("the new add-on {addon} is {state}, and not provisioned")]
    NotRestored {
        /// Its name.
        addon: String,
        /// What Heroku says.
        state: String,
    },
    /// The session was closed while somebody waited for it.
    #[error("{target} was closed meanwhile")]
    Gone {
        /// Which.
        target: String,
        /// Of its two.
        access: Access,
    },
    /// The daemon did not leave.
    #[error("borealisd, pid {pid}, was asked to stop, and is still there")]
    StillThere {
        /// Its process.
        pid: u32,
    },
    /// The query failed before Postgres saw it, or the way back did.
    #[error("{message}")]
    Query {
        /// Decides the exit code.
        code: ErrorCode,
        /// What happened.
        message: String,
        /// What to type next.
        hint: Option<String>,
    },
    /// Output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
    /// A file with SQL cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The daemon's log cannot be read.
    #[error("cannot read the daemon's log: {0}")]
    Log(io::Error),
    /// No event loop.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
}

/// What can be wrong with the settings file.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFault {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It says what it should not.
    #[error(transparent)]
    Wrong(#[from] SettingsError),
}

impl Error {
    /// It was there a moment ago.
    pub(crate) fn gone(session: &Session) -> Self {
        Self::Gone { target: session.target.clone(), access: session.access }
    }

    /// What to type next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::Target(error) => Some(error.hint()),
            Self::Select(error) => Some(error.hint()),
            Self::Api(error) | Self::Start(start::Error::Api(error)) => error.hint(),
            Self::Start(error) => error.hint(),
            Self::Service(error) => error.hint(),
            Self::Child(error) => error.hint(),
            Self::NotUp(session) => Some(not_up_hint(session)),
            Self::Query { hint, .. } => hint.clone(),
            Self::Gone { target, access } => {
                Some(format!("open it: borealisctl up {target}{}", access.flag()))
            }
            Self::NotRestored { addon, .. } => {
                Some(format!("see what became of it: heroku addons:info {addon}"))
            }
            Self::StillThere { .. } => Some("borealisctl daemon logs".to_owned()),
            Self::Settings { .. }
            | Self::Paths(_)
            | Self::Output(_)
            | Self::Input { .. }
            | Self::Log(_)
            | Self::Runtime(_) => None,
        }
    }

    /// The targets to choose from, when the one that was named fits several.
    #[must_use]
    pub fn choices(&self) -> &[String] {
        if let Self::Api(api::Error::Refused(detail)) = self {
            &detail.choices
        } else if let Self::Select(select::Error::Several { fitting, .. }) = self {
            fitting
        } else {
            &[]
        }
    }

    /// Whether the reader of our output went away, `| head` for one: the end, but no failure.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn not_up(session: &Session) -> String {
    let Session { target, state, reason, .. } = session;
    match reason {
        Some(reason) => format!("{target} is {state}: {}", reason.message),
        None => format!("{target} is {state}"),
    }
}

/// The daemon's words are about a session that stays. One that its command has opened is gone by
/// the time they are read: then they have to be about the next one.
fn not_up_hint(session: &Session) -> String {
    let Session { target, ephemeral, .. } = session;
    let write = if session.access == Access::ReadWrite { " --write-access" } else { "" };
    let reason = session.reason.as_ref();
    let (code, said) = (reason.map(|reason| reason.code), reason.and_then(|one| one.hint.clone()));
    if !ephemeral {
        return said.unwrap_or_else(|| format!("borealisctl status {target}{write}"));
    }
    if let Some(ErrorCode::Provisioning | ErrorCode::Upgrading) = code {
        format!(
            "it goes on by itself; to wait for it: borealisctl up {target}{write} --timeout 10m"
        )
    } else if let Some(ErrorCode::AccessRevoked) = code {
        "free storage or choose a larger plan, then try again".to_owned()
    } else if let Some(ErrorCode::HostKeyChanged) = code {
        "do not go on before the add-on's support confirms the new key; then try again".to_owned()
    } else {
        said.unwrap_or_else(|| format!("see how it is: borealisctl info {target}"))
    }
}
