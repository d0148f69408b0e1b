//! One caller: HTTP/1.1 with everything bounded.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// For the head of a request, and for the next one on the same connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Header lines; ours need five.
const HEADERS: usize = 64;

/// Read buffer, and with it the longest head, in bytes.
const BUFFER: usize = 64 * 1024;

/// What is being answered may be finished after the stop.
const GRACE: Duration = Duration::from_secs(2);

/// Answers the caller's requests until he goes or `cancel`. A request whose caller has gone is
/// dropped, and with it what it held.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    cancel: CancellationToken,
) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        // Also a client that was interrupted: nothing to worry about.
        tracing::debug!(%error, "a caller's connection broke");
    }
}
