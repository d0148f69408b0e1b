//! Which handler answers what: the table of `docs/API.md`.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post};
use tokio_util::sync::CancellationToken;

use super::answer::{self, Answering};
use super::error::Error;
use super::handlers::{addons, credentials, daemon, doctor, events, hold, query, sessions};
use super::state::{Api, ControlState, HandOver};
use super::{guards, upload};

/// Of a request's body, in bytes.
const BODY: usize = 1024 * 1024;

/// All of the API. What still waits or streams when `closing` is cancelled ends then.
pub(super) fn router(state: ControlState, closing: CancellationToken) -> Router {
    let ControlState { manager, addons, doctor, facts, hand_over, shutdown } = state;
    let routes = table(&[
        ("/v1/daemon", get(daemon::info)),
        ("/v1/daemon/stop", post(daemon::stop)),
        ("/v1/doctor", get(doctor::examine)),
        ("/v1/sessions", get(sessions::list).post(sessions::open)),
        ("/v1/sessions/{id}", get(sessions::get).delete(sessions::close)),
        ("/v1/sessions/{id}/reconnect", post(sessions::reconnect)),
        ("/v1/sessions/{id}/refresh", post(sessions::refresh)),
        ("/v1/sessions/{id}/credentials", get(credentials::get)),
        ("/v1/sessions/{id}/hold", get(hold::hold)),
        ("/v1/query", post(query::query).layer(DefaultBodyLimit::max(upload::LONGEST))),
        ("/v1/events", get(events::events)),
    ])
    .merge(about_addons());
    let answering = Answering { closing: closing.clone(), program: facts.program.clone() };
    let api = Api { manager, addons, doctor, facts, shutdown, closing };
    guarded(routes.with_state(api), hand_over, answering)
}

fn about_addons() -> Router<Api> {
    table(&[
        ("/v1/addons/{target}", get(addons::info)),
        ("/v1/addons/{target}/identity", get(addons::identity)),
        ("/v1/addons/{target}/state", get(addons::state)),
        ("/v1/addons/{target}/extensions", get(addons::extensions).post(addons::install_extension)),
        ("/v1/addons/{target}/extensions/{name}", delete(addons::remove_extension)),
        ("/v1/addons/{target}/users", get(addons::users)),
        ("/v1/addons/{target}/users/credentials", delete(addons::reset_users)),
        (
            "/v1/addons/{target}/integrations",
            get(addons::integrations).post(addons::register_integration),
        ),
        ("/v1/addons/{target}/integrations/{name}", delete(addons::remove_integration)),
        ("/v1/addons/{target}/restore", get(addons::restore_capabilities).post(addons::restore)),
        (
            "/v1/addons/{target}/upgrade",
            get(addons::upgrade).post(addons::start_upgrade).delete(addons::cancel_upgrade),
        ),
    ])
}

fn table(rows: &[(&str, MethodRouter<Api>)]) -> Router<Api> {
    rows.iter().fold(Router::new(), |router, (path, handler)| router.route(path, handler.clone()))
}

/// The layers around every route, from the inside out.
pub(super) fn guarded(routes: Router, hand_over: HandOver, answering: Answering) -> Router {
    routes
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(hand_over, guards::admit))
        .layer(from_fn_with_state(answering, answer::answer))
}

async fn no_such_route(request: Request) -> Error {
    Error::NoSuchRoute(request.uri().path().chars().take(128).collect())
}

async fn wrong_method(request: Request) -> Error {
    let path = request.uri().path().chars().take(128).collect();
    Error::WrongMethod { method: request.method().to_string(), path }
}
