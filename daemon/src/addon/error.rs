//! Why something was not done to an add-on.

use borealis_proto::{ErrorCode, Reason};

use crate::fault::Fault;
use crate::{borealis, credentials, heroku};

/// All of it. [`Error::reason`] says it to people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Heroku refuses, or does not know the target.
    #[error(transparent)]
    Heroku(#[from] heroku::Error),
    /// There is no authorization to ask the service with.
    #[error(transparent)]
    Authorization(#[from] credentials::Error),
    /// The Borealis service refuses.
    #[error(transparent)]
    Borealis(#[from] borealis::Error),
    /// The name that was typed is not the add-on's.
    #[error("the name to confirm is not that of add-on {addon}; nothing was done")]
    NotConfirmed {
        /// The right one.
        addon: String,
    },
}

impl Error {
    /// What the caller hears.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Heroku(error) => error.failure().reason,
            Self::Authorization(error) => error.failure().reason,
            Self::Borealis(error) => error.failure().reason,
            Self::NotConfirmed { addon } => Reason {
                code: ErrorCode::BadRequest,
                message: self.to_string(),
                hint: Some(format!("if this is the one: --confirm {addon}")),
            },
        }
    }

    /// What it means for who would ask again.
    pub(super) fn fault(&self) -> Fault {
        match self {
            Self::Heroku(error) => error.failure().fault,
            Self::Authorization(error) => error.failure().fault,
            Self::Borealis(error) => error.failure().fault,
            Self::NotConfirmed { .. } => Fault::Blocked { recheck: None },
        }
    }

    /// The targets to choose from, where several fit.
    #[must_use]
    pub fn choices(&self) -> &[String] {
        if let Self::Heroku(heroku::Error::Ambiguous { choices, .. }) = self {
            choices
        } else {
            &[]
        }
    }
}
