//! Opening, showing, closing and shaking sessions.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use borealis_proto::{OpenSession, Session, SessionList};
use serde::Deserialize;

use crate::control::extract::{Answer, Body, Id, Params, Patience, bounded, json};
use crate::control::state::Api;

/// What `GET /v1/sessions` may be asked.
#[derive(Deserialize)]
pub(in crate::control) struct ListParams {
    /// The version that the caller has seen: wait for a later one.
    wait: Option<u64>,
    /// For how long.
    #[serde(default = "half_a_minute")]
    timeout_ms: u64,
}

fn half_a_minute() -> u64 {
    30_000
}

/// What `DELETE /v1/sessions/{id}` may be asked.
#[derive(Deserialize)]
pub(in crate::control) struct CloseParams {
    /// How long running connections may go on.
    #[serde(default = "ten_seconds")]
    drain_ms: u64,
    /// The caller holds it: for others who do, and for who wants it for itself, it stays.
    #[serde(default)]
    release: bool,
}

fn ten_seconds() -> u64 {
    10_000
}

/// `GET /v1/sessions`
pub(in crate::control) async fn list(
    State(state): State<Api>,
    Params(params): Params<ListParams>,
) -> Json<SessionList> {
    match params.wait {
        None => Json(state.manager.list()),
        Some(seen) => Json(state.manager.list_after(seen, bounded(params.timeout_ms)).await),
    }
}

/// `POST /v1/sessions`: 201 when it is new, 200 when it was there.
pub(in crate::control) async fn open(
    State(state): State<Api>,
    Body(mut request): Body<OpenSession>,
) -> Answer<(StatusCode, Json<Session>)> {
    request.wait_ms = u64::try_from(bounded(request.wait_ms).as_millis()).unwrap_or(u64::MAX);
    let opened = state.manager.open(request).await?;
    let status = if opened.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(opened.session)))
}

/// `GET /v1/sessions/{id}`
pub(in crate::control) async fn get(State(state): State<Api>, Id(id): Id) -> Answer<Json<Session>> {
    json(state.manager.get(&id))
}

/// `DELETE /v1/sessions/{id}`: answers with the session as it was at its end, or as it stays.
pub(in crate::control) async fn close(
    State(state): State<Api>,
    Id(id): Id,
    Params(params): Params<CloseParams>,
) -> Answer<Json<Session>> {
    let drain = bounded(params.drain_ms);
    json(match params.release {
        true => state.manager.release(&id, drain).await,
        false => state.manager.close(&id, drain).await,
    })
}

/// `POST /v1/sessions/{id}/reconnect`
pub(in crate::control) async fn reconnect(
    State(state): State<Api>,
    Id(id): Id,
    Params(patience): Params<Patience>,
) -> Answer<Json<Session>> {
    json(state.manager.reconnect(&id, patience.wait()).await)
}

/// `POST /v1/sessions/{id}/refresh`
pub(in crate::control) async fn refresh(
    State(state): State<Api>,
    Id(id): Id,
    Params(patience): Params<Patience>,
) -> Answer<Json<Session>> {
    json(state.manager.refresh(&id, patience.wait()).await)
}
