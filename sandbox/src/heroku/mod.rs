//! The Heroku Platform API, as far as SERVICE.md's table goes.

mod addons;
mod authorizations;
mod refusal;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::ACCEPT;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};

use crate::http::bearer;
use crate::service::Service;
pub(crate) use refusal::Refusal;

/// The whole of what is asked for in `Accept`, blanks aside.
const MEDIA_TYPE: &str = "application/vnd.heroku+json;version=3";

type Answer = Result<Response, Refusal>;
type Context = State<Arc<Service>>;

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/oauth/authorizations", post(authorizations::create))
        .route("/oauth/authorizations/{id}", delete(authorizations::remove))
        .route("/actions/addon-attachments/resolve", post(addons::resolve))
        .route("/addons/{addon}", get(addons::one))
        .route("/addons/{addon}/addon-attachments", get(addons::attachments))
        .route("/apps/{app}/addons", get(addons::of_app).post(addons::create))
        .route("/apps/{app}/config-vars", get(addons::config_vars))
        .fallback(async || {
            Refusal::not_found("resource", "The requested API endpoint was not found.")
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&service), check))
        .with_state(service)
}

/// How this API says no when a fault wants it to.
pub(crate) fn refuse(status: StatusCode, retry_after: Option<u64>) -> Response {
    refusal::for_status(status, retry_after)
}

async fn check(State(service): Context, request: Request, next: Next) -> Response {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_none_or(|value| value.replace(' ', "") != MEDIA_TYPE) {
        return Refusal::not_acceptable().into_response();
    }
    let known =
        bearer(&request).is_some_and(|token| service.api_keys.iter().any(|key| key == token));
    if !known {
        return Refusal::unauthorized().into_response();
    }
    next.run(request).await
}

fn ok(body: serde_json::Value) -> Answer {
    Ok(Json(body).into_response())
}

fn created(body: serde_json::Value) -> Answer {
    Ok((StatusCode::CREATED, Json(body)).into_response())
}
