//! The daemon about itself, and its end.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use borealis_proto::{API_VERSION, DaemonInfo, Health, SessionState};

use crate::control::state::Api;

/// `GET /v1/daemon`
pub(in crate::control) async fn info(State(state): State<Api>) -> Json<DaemonInfo> {
    let facts = &state.facts;
    let sessions = state.manager.list().sessions;
    let up = sessions.iter().filter(|session| session.state == SessionState::Up).count();
    Json(DaemonInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api: API_VERSION,
        pid: std::process::id(),
        started_at: facts.started_at,
        // Not the difference on the wall clock, which may have been set.
        uptime_seconds: facts.started.elapsed().as_secs(),
        socket: facts.socket.clone(),
        state_file: facts.state_file.clone(),
        log: facts.log.clone(),
        passfile: facts.passfile.clone(),
        replaced: facts.program.is_replaced(),
        health: Health {
            sessions: sessions.len(),
            up,
            tasks: (facts.tasks)(),
            notices: facts.notices.all(),
        },
    })
}

/// `POST /v1/daemon/stop`: answers, then ends. The lock is free once everything has ended.
pub(in crate::control) async fn stop(State(state): State<Api>) -> StatusCode {
    tracing::info!("asked to stop");
    state.shutdown.cancel();
    StatusCode::NO_CONTENT
}
