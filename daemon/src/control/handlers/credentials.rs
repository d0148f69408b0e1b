//! The only answer with a secret in it.

use axum::Json;
use axum::extract::State;
use borealis_proto::Credentials;

use crate::control::extract::{Answer, Id, Params, Patience, json};
use crate::control::state::Api;

/// `GET /v1/sessions/{id}/credentials`
pub(in crate::control) async fn get(
    State(state): State<Api>,
    Id(id): Id,
    Params(patience): Params<Patience>,
) -> Answer<Json<Credentials>> {
    json(state.manager.credentials(&id, patience.wait()).await)
}
