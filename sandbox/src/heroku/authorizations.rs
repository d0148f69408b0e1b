//! The short-lived tokens for the Borealis API.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Refusal, created, ok};
use crate::authorizations::Authorization;

/// Heroku's default is never; ours is a day, which no sandbox outlives by accident.
const DEFAULT_EXPIRY: u64 = 24 * 60 * 60;

/// Answers the question for a second factor.
const TWO_FACTOR_CODE: &str = "heroku-two-factor-code";

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    description: String,
    expires_in: Option<u64>,
    #[serde(default)]
    scope: Vec<String>,
}

pub(super) async fn create(
    State(service): Context,
    headers: HeaderMap,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Answer {
    let answer = headers.get(TWO_FACTOR_CODE).and_then(|code| code.to_str().ok());
    if !service.two_factor.admits(answer) {
        return Err(Refusal::two_factor());
    }
    let Json(wanted) = wanted?;
    let expires_in = wanted.expires_in.unwrap_or(DEFAULT_EXPIRY);
    let scope = if wanted.scope.is_empty() { vec!["global".to_owned()] } else { wanted.scope };
    let new =
        service.authorizations.create(&service.secrets, wanted.description, scope, expires_in);
    created(body(&new))
}

pub(super) async fn remove(State(service): Context, Path(id): Path<String>) -> Answer {
    let missing = || Refusal::not_found("authorization", "Couldn't find that authorization.");
    ok(body(&service.authorizations.delete(&id).ok_or_else(missing)?))
}

fn body(one: &Authorization) -> Value {
    json!({
        "id": one.id,
        "description": one.description,
        "scope": one.scope,
        "created_at": one.created_at,
        "updated_at": one.created_at,
        "access_token": {"id": one.id, "token": one.token, "expires_in": one.expires_in},
        "client": null,
        "grant": null,
        "refresh_token": null,
    })
}
