//! Path, query and body of a request, with their errors as JSON like all others.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use borealis_proto::SessionId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use crate::session;

/// Nobody waits longer than this for an answer; who wants to can ask again. The longest that
/// `borealisctl` takes: less would cut off what people have asked for.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// From the head of a request to the end of its JSON: who sends a byte now and then would keep one of
/// the places for ever.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a body, within its time.
pub(super) async fn in_time<T>(body: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(BODY_TIMEOUT, body).await.unwrap_or_else(|_elapsed| {
        let message = format!("no whole body within {} s", BODY_TIMEOUT.as_secs());
        Err(Error::Malformed { status: StatusCode::REQUEST_TIMEOUT, message })
    })
}

/// A session's id in the path.
pub(super) struct Id(pub(super) SessionId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Error::malformed(rejection.body_text()))?;
        let id = text.parse().map_err(|_not_an_id| {
            let shown: String = text.chars().take(64).collect();
            Error::malformed(format!("{shown:?} is not a session's id (ses_…)"))
        })?;
        Ok(Self(id))
    }
}

/// What stands after the `?`. What a newer client says beyond our words is left out, as in bodies.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(Error::malformed(rejection.body_text())),
        }
    }
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let read = async {
            let read = Json::from_request(request, state).await;
            read.map_err(|rejection| malformed(&rejection))
        };
        in_time(read).await.map(|Json(body)| Self(body))
    }
}

fn malformed(rejection: &JsonRejection) -> Error {
    Error::Malformed { status: rejection.status(), message: rejection.body_text() }
}

/// `?wait_ms=`: how long the answer may wait for the effect.
#[derive(Deserialize)]
pub(super) struct Patience {
    #[serde(default = "ten_seconds")]
    wait_ms: u64,
}

impl Patience {
    pub(super) fn wait(&self) -> Duration {
        bounded(self.wait_ms)
    }
}

fn ten_seconds() -> u64 {
    10_000
}

/// From milliseconds, cut to what we put up with.
pub(super) fn bounded(ms: u64) -> Duration {
    Duration::from_millis(ms).min(LONGEST)
}

/// What a handler gives.
pub(super) type Answer<T> = Result<T, Error>;

/// Turns what the session room gives into JSON.
pub(super) fn json<T>(result: Result<T, session::Error>) -> Answer<Json<T>> {
    Ok(Json(result?))
}
