//! Why there are no credentials. Cloned to all who wait for the same ones.

use std::sync::Arc;
use std::time::Duration;

use borealis_proto::ErrorCode;

use super::conn_info::ConnInfoError;
use super::ledger::{APART, CEILING, Denied};
use super::types::Kind;
use crate::fault::{Failure, Fault};
use crate::{borealis, heroku};

/// Why there are no credentials.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Heroku refuses, or there is no login to ask it with.
    #[error(transparent)]
    Heroku(#[from] Arc<heroku::Error>),
    /// The Borealis service refuses.
    #[error(transparent)]
    Borealis(#[from] Arc<borealis::Error>),
    /// The application's config var cannot be used.
    #[error(transparent)]
    ConnInfo(#[from] Arc<ConnInfoError>),
    /// Renewed a moment ago, and refused again.
    #[error(
        "the {credential} is refused again soon after it was got: another is asked for {} s after \
         the last one",
        APART.as_secs()
    )]
    TooSoon {
        /// Which.
        credential: Kind,
        /// How long until the service may be asked.
        wait: Duration,
    },
    /// Renewed so often that something must be wrong.
    #[error(
        "the {credential} was renewed {CEILING} times within a day and is refused again: somebody \
         or something keeps taking it away, another machine that renews it for one"
    )]
    TooOften {
        /// Which.
        credential: Kind,
        /// How long until the service may be asked.
        wait: Duration,
    },
    /// Refused, and the user wants to be asked.
    #[error(
        "the {credential} is refused, and is not renewed without your word (renew = \"ask\"): \
         somebody may have reset the users to keep people out"
    )]
    NotAsked {
        /// Which.
        credential: Kind,
    },
    /// The request was given up half-way: a fault of ours, or the daemon is ending.
    #[error("the request for credentials was given up half-way")]
    Interrupted,
}

/// What a person can do who cannot wait, or who decides.
const REFRESH: &str = "borealisctl refresh TARGET";

impl Error {
    pub(super) fn denied(denied: Denied, credential: Kind) -> Self {
        match denied {
            Denied::TooSoon(wait) => Self::TooSoon { credential, wait },
            Denied::TooOften(wait) => Self::TooOften { credential, wait },
            Denied::NotAsked => Self::NotAsked { credential },
        }
    }

    /// How it is treated, and what people are told.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Heroku(error) => error.failure(),
            Self::Borealis(error) => error.failure(),
            Self::ConnInfo(error) => error.failure(),
            Self::TooSoon { wait, .. } => {
                let fault = Fault::Paced { first: *wait, ceiling: *wait };
                Failure::new(fault, ErrorCode::RateLimited, self.to_string()).hint(REFRESH)
            }
            Self::TooOften { wait, .. } => self.blocked(ErrorCode::TooManyRenewals, Some(*wait)),
            Self::NotAsked { .. } => self.blocked(ErrorCode::RefreshRequired, None),
            Self::Interrupted => {
                Failure::new(Fault::Transient, ErrorCode::Internal, self.to_string())
            }
        }
    }

    fn blocked(&self, code: ErrorCode, recheck: Option<Duration>) -> Failure {
        Failure::new(Fault::Blocked { recheck }, code, self.to_string()).hint(REFRESH)
    }
}

impl From<heroku::Error> for Error {
    fn from(error: heroku::Error) -> Self {
        Self::Heroku(Arc::new(error))
    }
}

impl From<borealis::Error> for Error {
    fn from(error: borealis::Error) -> Self {
        Self::Borealis(Arc::new(error))
    }
}

impl From<ConnInfoError> for Error {
    fn from(error: ConnInfoError) -> Self {
        Self::ConnInfo(Arc::new(error))
    }
}
