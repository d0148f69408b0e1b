//! Around every request: an id, a line in the log, a body for errors, and no way for a panic to
//! take the connection along.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use borealis_proto::{API_HEADER, API_VERSION, DAEMON_HEADER, ErrorBody, REQUEST_ID_HEADER};
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::error::Error;
use crate::platform::ProgramFile;

/// Our release, and the word that `borealis_proto::REPLACED` is.
const REPLACED_RELEASE: &str = concat!(env!("CARGO_PKG_VERSION"), " replaced");

/// What every answer depends on.
#[derive(Clone)]
pub(super) struct Answering {
    /// Requests that still wait end when it is cancelled.
    pub(super) closing: CancellationToken,
    /// Whether it is still what is installed, the client is told each time.
    pub(super) program: Arc<ProgramFile>,
}

/// The outermost layer.
pub(super) async fn answer(
    State(Answering { closing, program }): State<Answering>,
    request: Request,
    next: Next,
) -> Response {
    let id = Uuid::new_v4().simple().to_string();
    let path = request.uri().path();
    let span = tracing::info_span!("request", %id, method = %request.method(), path);
    let finished = |response| finished(response, id, program.is_replaced());
    handled(closing, request, next).map(finished).instrument(span).await
}

async fn handled(closing: CancellationToken, request: Request, next: Next) -> Response {
    let handler = AssertUnwindSafe(next.run(request)).catch_unwind();
    tokio::select! {
        // An answer that is there is given, also by the handler that started the stop.
        biased;
        response = handler => response.unwrap_or_else(|_logged| Error::Panicked.into_response()),
        () = closing.cancelled() => Error::Stopping.into_response(),
    }
}

fn finished(response: Response, request_id: String, replaced: bool) -> Response {
    let mut response = match response.extensions().get::<Arc<Error>>().cloned() {
        Some(error) => {
            log(&error);
            let body = Json(ErrorBody { error: error.detail(), request_id: request_id.clone() });
            (response.status(), body).into_response()
        }
        None => {
            tracing::debug!(status = response.status().as_u16(), "answered");
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(API_HEADER), HeaderValue::from(API_VERSION));
    let release = if replaced { REPLACED_RELEASE } else { env!("CARGO_PKG_VERSION") };
    headers.insert(HeaderName::from_static(DAEMON_HEADER), HeaderValue::from_static(release));
    // Letters and digits of our own making: always a header's value.
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert(HeaderName::from_static(REQUEST_ID_HEADER), id);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn log(error: &Error) {
    let (status, causes) = (error.status().as_u16(), error.causes());
    match error {
        Error::Panicked => tracing::error!(status, causes, "answered with an error"),
        Error::Forbidden(_) => tracing::warn!(status, causes, "answered with an error"),
        Error::Malformed { .. }
        | Error::NoSuchRoute(_)
        | Error::WrongMethod { .. }
        | Error::Session(_)
        | Error::Addon(_)
        | Error::Stopping => tracing::info!(status, causes, "answered with an error"),
    }
}
