//! Why a request was not done. The caller gets code, message and hint; the log gets the causes.

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use borealis_proto::{ErrorCode, ErrorDetail};

use super::status::treatment;
use crate::{addon, session};

/// All of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// HTTP or JSON that does not fit; the status says which.
    #[error("{message}")]
    Malformed { status: StatusCode, message: String },
    /// A caller that is no client of ours.
    #[error("{0}")]
    Forbidden(&'static str),
    /// No such path.
    #[error("the control API has no {0}")]
    NoSuchRoute(String),
    /// The path is there, for other methods.
    #[error("the control API has {path}, and not with {method}")]
    WrongMethod { method: String, path: String },
    /// From the session room.
    #[error(transparent)]
    Session(#[from] session::Error),
    /// From the add-ons' room.
    #[error(transparent)]
    Addon(#[from] addon::Error),
    /// The daemon is on its way out.
    #[error("the daemon is stopping")]
    Stopping,
    /// A handler panicked.
    #[error("borealisd made a mistake")]
    Panicked,
}

impl Error {
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::Malformed { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed { status, .. } => *status,
            Self::WrongMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Forbidden(_)
            | Self::NoSuchRoute(_)
            | Self::Session(_)
            | Self::Addon(_)
            | Self::Stopping
            | Self::Panicked => treatment(self.detail().code).status,
        }
    }

    /// What the caller gets to see.
    pub(super) fn detail(&self) -> ErrorDetail {
        let (code, message, hint) = match self {
            Self::Malformed { .. } => (ErrorCode::BadRequest, self.to_string(), None),
            Self::Forbidden(_) => (ErrorCode::Forbidden, self.to_string(), None),
            Self::NoSuchRoute(_) | Self::WrongMethod { .. } => {
                let hint = "client and daemon may be of different releases: \
                            borealisctl daemon restart";
                (ErrorCode::NoSuchRoute, self.to_string(), Some(hint.to_owned()))
            }
            Self::Session(error) => {
                let reason = error.reason();
                (reason.code, reason.message, reason.hint)
            }
            Self::Addon(error) => {
                let reason = error.reason();
                (reason.code, reason.message, reason.hint)
            }
            Self::Stopping => (ErrorCode::Closing, self.to_string(), None),
            Self::Panicked => {
                let hint = "borealisctl daemon logs".to_owned();
                (ErrorCode::Internal, self.to_string(), Some(hint))
            }
        };
        let choices = self.choices().to_vec();
        ErrorDetail { code, message, hint, retryable: treatment(code).retryable, choices }
    }

    fn choices(&self) -> &[String] {
        match self {
            Self::Session(error) => error.choices(),
            Self::Addon(error) => error.choices(),
            Self::Malformed { .. }
            | Self::Forbidden(_)
            | Self::NoSuchRoute(_)
            | Self::WrongMethod { .. }
            | Self::Stopping
            | Self::Panicked => &[],
        }
    }

    /// The whole chain of causes, for the log. What the caller sent is left out: SQL may be in it.
    pub(super) fn causes(&self) -> String {
        if let Self::Malformed { status, .. } = self {
            return format!("malformed request ({status})");
        }
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Writing to a String cannot fail.
            let _written = write!(text, ": {error}");
            cause = error.source();
        }
        text
    }
}

/// The body is put together by [`super::answer`], which knows the request's id.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
