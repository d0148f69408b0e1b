//! How the Borealis API says no: `{"reason"}`, and now and then a field more.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::world::{self, ExtensionError, IntegrationError, UpgradeError};

#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    body: Map<String, Value>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: &str) -> Self {
        let body = Map::from_iter([("reason".to_owned(), Value::from(reason))]);
        Self { status, body }
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        self.body.insert(field.to_owned(), value);
        self
    }

    /// One status for another, where a call has its own for the same thing.
    pub(super) fn or_status(mut self, from: StatusCode, to: StatusCode) -> Self {
        if self.status == from {
            self.status = to;
        }
        self
    }

    pub(super) fn no_addon() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Add-on does not exist")
            .with("resourceType", "addon".into())
    }

    pub(super) fn provisioning() -> Self {
        let reason = "Add-on is not finished provisioning";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason)
    }

    pub(super) fn upgrading() -> Self {
        Self::new(StatusCode::LOCKED, "A PostgreSQL major version upgrade is in progress")
    }
}

/// The documented body for a status.
pub(super) fn for_status(status: StatusCode, retry_after: Option<u64>) -> Response {
    let refusal = match status.as_u16() {
        401 => Refusal::new(status, "Authentication failed"),
        403 => Refusal::new(status, "Access has been revoked for personal users"),
        404 => Refusal::no_addon(),
        422 => Refusal::provisioning(),
        423 => Refusal::upgrading(),
        429 => Refusal::new(status, "Too many requests"),
        500.. => Refusal::new(status, "Add-on service is temporarily unavailable"),
        _ => Refusal::new(status, "Request refused"),
    };
    let retry_after = retry_after.or((status == StatusCode::TOO_MANY_REQUESTS).then_some(1));
    let mut response = refusal.into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &rejection.body_text())
    }
}

impl From<world::Error> for Refusal {
    fn from(error: world::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
    }
}

impl From<ExtensionError> for Refusal {
    fn from(error: ExtensionError) -> Self {
        let reason = error.to_string();
        match error {
            ExtensionError::NotSupported | ExtensionError::Needed => {
                Self::new(StatusCode::BAD_REQUEST, &reason)
            }
            ExtensionError::Needs(names) => {
                Self::new(StatusCode::BAD_REQUEST, &reason).with("dependencies", json!(names))
            }
            ExtensionError::Taken => Self::new(StatusCode::CONFLICT, &reason),
            ExtensionError::NotInstalled => {
                Self::new(StatusCode::NOT_FOUND, &reason).with("resourceType", "extension".into())
            }
            ExtensionError::World(error) => error.into(),
        }
    }
}

impl From<IntegrationError> for Refusal {
    fn from(error: IntegrationError) -> Self {
        let status = match error {
            IntegrationError::Invalid(_) => StatusCode::BAD_REQUEST,
            IntegrationError::Taken => StatusCode::CONFLICT,
            IntegrationError::Unknown => StatusCode::NOT_FOUND,
            IntegrationError::World(error) => return error.into(),
        };
        Self::new(status, &error.to_string())
    }
}

impl From<UpgradeError> for Refusal {
    fn from(error: UpgradeError) -> Self {
        let status = match error {
            UpgradeError::Newest | UpgradeError::NotRunning => StatusCode::BAD_REQUEST,
            UpgradeError::Running => StatusCode::CONFLICT,
            UpgradeError::World(error) => return error.into(),
        };
        Self::new(status, &error.to_string())
    }
}
