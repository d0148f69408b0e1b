//! What is well and what is not.

use axum::Json;
use axum::extract::State;
use borealis_proto::Checkup;

use crate::control::state::Api;

/// `GET /v1/doctor`: answers when every check has ended, each of which is bounded in time.
pub(in crate::control) async fn examine(State(state): State<Api>) -> Json<Checkup> {
    Json(state.doctor.examine().await)
}
