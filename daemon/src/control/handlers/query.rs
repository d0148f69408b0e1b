//! SQL in, rows out. The rows wait in Postgres and not here: a client that reads slowly slows the
//! query down, and one that goes away cancels it.

use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use borealis_proto::{OnError, QueryRequest};
use bytes::Bytes;
use futures_util::stream;

use crate::control::error::Error;
use crate::control::extract::{Answer, Body};
use crate::control::state::Api;
use crate::control::{ndjson, upload};
use crate::session::Answers;

/// `POST /v1/query`. As JSON the body is the request; as JSON lines its first line is, and what
/// follows are the bytes for `COPY … FROM STDIN`.
pub(in crate::control) async fn query(
    State(state): State<Api>,
    request: Request,
) -> Answer<Response> {
    let (request, data) = if upload::has_lines(request.headers()) {
        let (request, data) = upload::read(request.into_body()).await?;
        (request, Some(data))
    } else {
        let Body(request) = Body::<QueryRequest>::from_request(request, &()).await?;
        (request, None)
    };
    if request.single_transaction && request.on_error == OnError::Continue {
        return Err(Error::malformed("a single transaction cannot continue after an error"));
    }
    let answers = state.manager.query(request, data)?;
    Ok(ndjson::respond(stream::unfold(answers, lines), state.closing))
}

/// What came together goes out in one piece. The queue gets its room back once it is JSON.
async fn lines(mut answers: Answers) -> Option<(Bytes, Answers)> {
    let batch = answers.next().await?;
    let mut lines = Vec::new();
    for event in batch.events {
        ndjson::push(&event, &mut lines);
    }
    Some((lines.into(), answers))
}
