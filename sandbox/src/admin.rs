//! The sandbox's own API, for its command line: faults, requests, SQL as superuser. Not part of
//! the service.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::postgres::{self, Rows};
use crate::relay::RelayStats;
use crate::requests::Request;
use crate::service::Service;
use crate::world;

/// Where everything is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Info {
    /// All files.
    pub dir: PathBuf,
    /// The Heroku API.
    pub heroku_url: String,
    /// The Borealis API.
    pub borealis_url: String,
    /// What the APIs announce as SSH port.
    pub relay_port: u16,
    /// sshd itself, behind the relay.
    pub sshd_port: u16,
    /// What the APIs announce as database port.
    pub postgres_port: u16,
    /// sshd's listener, while it runs.
    pub sshd_pid: Option<u32>,
    /// Postgres' first process, while it runs.
    pub postgres_pid: Option<u32>,
    /// What went through the relay.
    pub relay: RelayStats,
    /// Short-lived authorizations created and not deleted.
    pub outstanding_authorizations: usize,
}

/// A query as superuser.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Query {
    pub(crate) database: String,
    pub(crate) sql: String,
}

/// Why not.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) message: String,
}

type Context = State<Arc<Service>>;

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/info", get(info))
        .route("/fault", post(fault))
        .route("/requests", get(requests).delete(clear))
        .route("/sql", post(sql))
        .with_state(service)
}

impl Service {
    pub(crate) fn info(&self) -> Info {
        Info {
            dir: self.layout.dir().to_owned(),
            heroku_url: self.heroku_url(),
            borealis_url: self.borealis_url(),
            relay_port: self.relay.port(),
            sshd_port: self.sshd.port(),
            postgres_port: self.cluster.port(),
            sshd_pid: self.sshd.pid(),
            postgres_pid: self.cluster.pid(),
            relay: self.relay.stats(),
            outstanding_authorizations: self.authorizations.outstanding().len(),
        }
    }
}

async fn info(State(service): Context) -> Json<Info> {
    Json(service.info())
}

async fn fault(State(service): Context, Json(fault): Json<Fault>) -> Result<StatusCode, Failure> {
    service.apply(fault).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn requests(State(service): Context) -> Json<Vec<Request>> {
    Json(service.requests.list())
}

async fn clear(State(service): Context) -> StatusCode {
    service.requests.clear();
    StatusCode::NO_CONTENT
}

async fn sql(State(service): Context, Json(query): Json<Query>) -> Result<Json<Rows>, Failure> {
    Ok(Json(service.cluster.rows(&query.database, &query.sql).await?))
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(self)).into_response()
    }
}

impl From<world::Error> for Failure {
    fn from(error: world::Error) -> Self {
        Self { message: crate::chain(&error) }
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self { message: crate::chain(&error) }
    }
}
