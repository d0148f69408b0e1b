//! Why a session cannot be opened, found or used.

use borealis_proto::{ErrorCode, Reason, SessionId, TargetError};

use crate::{heroku, tunnel};

/// All of it. [`Error::reason`] says it to people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was typed is no target.
    #[error(transparent)]
    BadTarget(#[from] TargetError),
    /// The request contradicts itself or what is already open.
    #[error("{0}")]
    BadRequest(String),
    /// Heroku does not know the target, or could not be asked.
    #[error(transparent)]
    Resolve(#[from] heroku::Error),
    /// The endpoint's port is in use.
    #[error("port {port} on 127.0.0.1 is taken")]
    PortTaken {
        /// The port.
        port: u16,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// No such session.
    #[error("no session {0} is open")]
    NotFound(SessionId),
    /// The session is not up, and the caller's patience is over.
    #[error("{}", .0.message)]
    NotUp(Reason),
    /// The tunnel gives no channel.
    #[error(transparent)]
    Channel(#[from] tunnel::NoChannel),
    /// The daemon is on its way out.
    #[error("borealisd is stopping")]
    Stopping,
    /// The session is on its way out.
    #[error("the session is closing")]
    Closing,
}

impl Error {
    /// What the caller hears.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let reason = |code, hint: Option<&str>| Reason {
            code,
            message: self.to_string(),
            hint: hint.map(str::to_owned),
        };
        match self {
            Self::BadTarget(_) | Self::BadRequest(_) => reason(ErrorCode::BadRequest, None),
            Self::Resolve(error) => error.failure().reason,
            Self::PortTaken { .. } => {
                reason(ErrorCode::PortTaken, Some("name another one with --port, or leave it out"))
            }
            Self::NotFound(_) => reason(
                ErrorCode::SessionNotFound,
                Some("`borealisctl ls` shows the open ones, `borealisctl up` opens one"),
            ),
            Self::NotUp(why) => why.clone(),
            Self::Channel(tunnel::NoChannel::Down(failure)) => failure.reason.clone(),
            Self::Channel(tunnel::NoChannel::Refused(_)) => {
                let hint = "the tunnel is up and Postgres behind it is not: borealisctl info ADDON";
                reason(ErrorCode::DatabaseUnreachable, Some(hint))
            }
            Self::Closing | Self::Stopping => reason(ErrorCode::Closing, None),
        }
    }

    /// The targets to choose from, when the one that was named fits several.
    #[must_use]
    pub fn choices(&self) -> &[String] {
        if let Self::Resolve(heroku::Error::Ambiguous { choices, .. }) = self {
            choices
        } else {
            &[]
        }
    }
}
