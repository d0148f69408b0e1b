//! Why there are no credentials. Cloned to all who wait for the same ones.

use std::sync::Arc;

use borealis_proto::ErrorCode;

use super::conn_info::ConnInfoError;
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
    /// The request was given up half-way: a fault of ours, or the daemon is ending.
    #[error("the request for credentials was given up half-way")]
    Interrupted,
}

impl Error {
    /// How it is treated, and what people are told.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Heroku(error) => error.failure(),
            Self::Borealis(error) => error.failure(),
            Self::ConnInfo(error) => error.failure(),
            Self::Interrupted => {
                Failure::new(Fault::Transient, ErrorCode::Internal, self.to_string())
            }
        }
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
