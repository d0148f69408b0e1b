//! What both APIs share: a listener that ends with the sandbox, the request log, and the answers
//! that a fault has prepared.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, LOCATION};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::armed::Answer;
use crate::requests::Api;
use crate::service::Service;

/// How long a call hangs when told to.
const HANG: Duration = Duration::from_secs(30);

/// What a hotel shows instead.
const PORTAL: &str = "<!doctype html><title>Welcome</title><p>Accept our terms to go online.</p>";
/// Where it would be found. Whoever goes there is seen in the log of requests.
const PORTAL_PATH: &str = "/captive-portal";

/// A bound listener that does not serve yet.
pub(crate) struct Listener {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// How one of the APIs says no.
pub(crate) type Refuse = fn(StatusCode, Option<u64>) -> Response;

#[derive(Clone)]
pub(crate) struct Observer {
    pub(crate) api: Api,
    pub(crate) service: Arc<Service>,
    pub(crate) refuse: Refuse,
    pub(crate) cancel: CancellationToken,
}

impl Listener {
    pub(crate) async fn bind() -> io::Result<Self> {
        Self::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?)
    }

    /// Takes over a listener that was bound before there was a runtime to serve it.
    pub(crate) fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::new(TcpListener::from_std(listener)?)
    }

    fn new(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn serve(self, router: Router, tasks: &TaskTracker, cancel: &CancellationToken) {
        let ended = cancel.clone().cancelled_owned();
        let served = axum::serve(self.listener, router).with_graceful_shutdown(ended);
        tasks.spawn(async move {
            if let Err(error) = served.await {
                warn!(%error, "an API of the sandbox ended");
            }
        });
    }
}

/// Outermost on each API: notes the request, and gives a prepared answer before anything else has
/// looked at it.
pub(crate) async fn observe(
    State(observer): State<Observer>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let service = &observer.service;
    let in_flight = service.requests.begin(observer.api, request.method().as_str(), &path);
    let response = match service.armed.next(&path) {
        None => next.run(request).await,
        Some(Answer::Status { code, retry_after }) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (observer.refuse)(status, retry_after)
        }
        Some(Answer::Portal { redirect: false }) => Html(PORTAL).into_response(),
        Some(Answer::Portal { redirect: true }) => {
            let portal = format!("{}{PORTAL_PATH}", service.heroku_url());
            (StatusCode::FOUND, [(LOCATION, portal)]).into_response()
        }
        Some(Answer::Hang) => {
            tokio::select! {
                () = tokio::time::sleep(HANG) => {}
                () = observer.cancel.cancelled() => {}
            }
            (observer.refuse)(StatusCode::SERVICE_UNAVAILABLE, None)
        }
    };
    in_flight.answered(response.status().as_u16());
    response
}

/// The token of `Authorization: Bearer <token>`.
pub(crate) fn bearer(request: &Request) -> Option<&str> {
    request.headers().get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}
