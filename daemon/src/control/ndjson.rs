//! Answers without an end: one JSON a line, as they come.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// Appends one line. What we send can always be written as JSON; if not, the stream would lack
/// its end, which every reader takes for a cut.
pub(super) fn push(value: &impl Serialize, lines: &mut Vec<u8>) {
    match serde_json::to_vec(value) {
        Ok(line) => {
            lines.extend_from_slice(&line);
            lines.push(b'\n');
        }
        Err(error) => tracing::error!(%error, "a line cannot be written as JSON"),
    }
}

/// One line.
pub(super) fn line(value: &impl Serialize) -> Bytes {
    let mut lines = Vec::new();
    push(value, &mut lines);
    lines.into()
}

/// Sends `lines` until they end or `closing` is cancelled.
pub(super) fn respond(
    lines: impl Stream<Item = Bytes> + Send + 'static,
    closing: CancellationToken,
) -> Response {
    let lines = lines.take_until(closing.cancelled_owned()).map(Ok::<_, Infallible>);
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}
