//! The Borealis API: everything under `/heroku/resources/{add-on}`.

mod credentials;
mod extensions;
mod integrations;
mod maintenance;
mod refusal;
mod resource;

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::Value;

use crate::http::bearer;
use crate::service::Service;
use crate::world::{Addon, Database};
pub(crate) use refusal::Refusal;

type Answer = Result<Response, Refusal>;
type Context = State<Arc<Service>>;

pub(crate) fn router(service: Arc<Service>) -> Router {
    let resource = Router::new()
        .route("/", get(resource::show))
        .route("/personal-ssh-users", post(credentials::ssh))
        .route("/personal-db-users", post(credentials::database))
        .route("/pg-extensions", get(extensions::list).post(extensions::install))
        .route("/pg-extensions/{name}", delete(extensions::remove))
        .route("/db-users", get(resource::users))
        .route("/db-users/credentials", delete(resource::reset_users))
        .route("/data-integrations", get(integrations::list).post(integrations::register))
        .route("/data-integrations/{name}", delete(integrations::remove))
        .route("/restore-capabilities", get(maintenance::restore_capabilities))
        .route("/restore-tokens", post(maintenance::restore_token))
        .route("/pg-version-upgrades", get(maintenance::upgrade).post(maintenance::start_upgrade))
        .route("/pg-version-upgrades/current", delete(maintenance::cancel_upgrade));
    Router::new()
        .nest("/heroku/resources/{addon}", resource)
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "Not found"))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), check))
        .with_state(service)
}

/// How this API says no when a fault wants it to.
pub(crate) fn refuse(status: StatusCode, retry_after: Option<u64>) -> Response {
    refusal::for_status(status, retry_after)
}

async fn check(State(service): Context, request: Request, next: Next) -> Response {
    if bearer(&request).is_some_and(|token| service.authorizations.accepts(token)) {
        next.run(request).await
    } else {
        Refusal::new(StatusCode::UNAUTHORIZED, "Authentication failed").into_response()
    }
}

/// The add-on must be ours, there and provisioned; hands both halves to `look`.
async fn with_addon<T>(
    service: &Service,
    name: &str,
    look: impl FnOnce(&Addon, &Database) -> T,
) -> Result<T, Refusal> {
    let state = service.world.state().await;
    let addon = state.addons.iter().find(|addon| addon.name == name);
    match addon.and_then(|addon| Some((addon, addon.database.as_ref()?))) {
        None => Err(Refusal::no_addon()),
        Some((addon, _)) if addon.is_provisioning() => Err(Refusal::provisioning()),
        Some((addon, database)) => Ok(look(addon, database)),
    }
}

/// As [`with_addon`], and no upgrade may be running.
async fn check_in_service(service: &Service, name: &str) -> Result<(), Refusal> {
    with_addon(service, name, |_, _| ()).await?;
    let mut state = service.world.state().await;
    match state.database_mut(name).and_then(Database::upgrading) {
        Some(_) => Err(Refusal::upgrading()),
        None => Ok(()),
    }
}

fn ok(body: Value) -> Answer {
    Ok(Json(body).into_response())
}

fn created(body: Value) -> Answer {
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// For calls with two names in their path: the add-on and what it is about.
type AddonAndName = Path<(String, String)>;
