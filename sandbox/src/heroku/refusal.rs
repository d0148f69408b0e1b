//! How the Heroku API says no: `{"id","message","resource"?}` with the status.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::world::{self, CreateError};

#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    id: &'static str,
    message: String,
    resource: Option<&'static str>,
}

impl Refusal {
    fn new(status: StatusCode, id: &'static str, message: &str) -> Self {
        Self { status, id, message: message.to_owned(), resource: None }
    }

    pub(super) fn not_found(resource: &'static str, message: &str) -> Self {
        let refusal = Self::new(StatusCode::NOT_FOUND, "not_found", message);
        Self { resource: Some(resource), ..refusal }
    }

    pub(super) fn unauthorized() -> Self {
        let message = "Invalid credentials provided.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(super) fn two_factor() -> Self {
        let message = "A second authentication factor is required.";
        Self::new(StatusCode::FORBIDDEN, "two_factor", message)
    }

    pub(super) fn not_acceptable() -> Self {
        let message = "The Accept header must be application/vnd.heroku+json; version=3.";
        Self::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message)
    }
}

/// The documented body for a status.
pub(super) fn for_status(status: StatusCode, retry_after: Option<u64>) -> Response {
    let (id, message) = match status.as_u16() {
        401 => ("unauthorized", "Invalid credentials provided."),
        403 => ("two_factor", "A second authentication factor is required."),
        404 => ("not_found", "Couldn't find that resource."),
        429 => ("rate_limit", "Your account reached the API limit. Please wait a few minutes."),
        500.. => ("internal_server_error", "Internal server error."),
        _ => ("bad_request", "Request invalid."),
    };
    let retry_after = retry_after.or((status == StatusCode::TOO_MANY_REQUESTS).then_some(1));
    let mut response = Refusal::new(status, id, message).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({"id": self.id, "message": self.message});
        if let (Some(resource), Some(fields)) = (self.resource, body.as_object_mut()) {
            fields.insert("resource".to_owned(), resource.into());
        }
        (self.status, Json(body)).into_response()
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", &rejection.body_text())
    }
}

impl From<CreateError> for Refusal {
    fn from(error: CreateError) -> Self {
        let message = error.to_string();
        match error {
            CreateError::NoApp => Self::not_found("app", &message),
            CreateError::NoPlan(_) => Self::not_found("plan", &message),
            CreateError::BadToken | CreateError::AttachmentTaken => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_params", &message)
            }
            CreateError::World(error) => error.into(),
        }
    }
}

impl From<world::Error> for Refusal {
    fn from(error: world::Error) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal_server_error", &error.to_string())
    }
}
