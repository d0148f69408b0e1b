//! SQL in, rows out. The rows wait in Postgres and not here: a client that reads slowly slows the
//! query down, and one that goes away cancels it.

use axum::extract::State;
use axum::response::Response;
use borealis_proto::{QueryEvent, QueryRequest};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::control::extract::{Answer, Body};
use crate::control::ndjson;
use crate::control::state::Api;

/// Lines that go out in one piece, when there are so many.
const BATCH: usize = 256;

/// `POST /v1/query`
pub(in crate::control) async fn query(
    State(state): State<Api>,
    Body(request): Body<QueryRequest>,
) -> Answer<Response> {
    let events = state.manager.query(request).await?;
    Ok(ndjson::respond(stream::unfold(events, batch), state.closing))
}

async fn batch(
    mut events: mpsc::Receiver<QueryEvent>,
) -> Option<(Bytes, mpsc::Receiver<QueryEvent>)> {
    let mut batch = Vec::new();
    if events.recv_many(&mut batch, BATCH).await == 0 {
        return None;
    }
    let mut lines = Vec::new();
    for event in &batch {
        ndjson::push(event, &mut lines);
    }
    Some((lines.into(), events))
}
