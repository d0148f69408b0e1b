//! The daemon's control API, one short method an endpoint. Answers come after their effect, so a
//! method that may wait says for how long.

mod addons;
mod error;
mod lines;
mod wire;

use std::future::ready;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use borealis_proto::{
    Checkup, Credentials, DaemonInfo, Event, OpenSession, QueryEvent, QueryRequest, Session,
    SessionId, SessionList,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hyper::{Method, header::HeaderValue};
use serde_json::value::RawValue;

pub use addons::Addon;
pub use error::Error;
pub use lines::Lines;
pub(crate) use wire::keep_quiet_about_versions;
use wire::{Answer, Ask};

/// How long the daemon may take for what it has at hand.
const PROMPT: Duration = Duration::from_secs(15);

/// How long all checks may take, one of them as slow as it can be. The daemon bounds each.
const CHECKUP: Duration = Duration::from_secs(60);

/// How long it may take beyond the caller's patience: it asks two APIs before a session exists,
/// and bounds each of these itself.
const GRACE: Duration = Duration::from_secs(60);

/// A daemon, by its socket. Each request has a connection of its own: they cost microseconds here,
/// and dropping a request then cancels it.
#[derive(Debug)]
pub struct Api {
    socket: PathBuf,
    heroku_key: Option<HeaderValue>,
    /// Guards the answer to Heroku's question for a second factor, for the next request.
    second_factor: Mutex<Option<HeaderValue>>,
}

/// Keeps an ephemeral session alive until it is dropped.
#[derive(Debug)]
pub struct Hold {
    _open: Answer,
}

impl Api {
    /// The daemon at a socket. The key, if there is one, goes along with requests that open things.
    ///
    /// # Errors
    /// When the key has characters that no header can carry.
    pub fn new(socket: &Path, heroku_key: Option<&str>) -> Result<Self, Error> {
        let heroku_key = heroku_key.map(secret_header).transpose()?;
        Ok(Self { socket: socket.to_owned(), heroku_key, second_factor: Mutex::default() })
    }

    /// Hands over the code that Heroku asks for, with the next request, whatever that is: what
    /// waits for the code tries again before the daemon looks at the rest of the request.
    ///
    /// # Errors
    /// When it has characters that no header can carry.
    pub fn answer_second_factor(&self, code: &str) -> Result<(), Error> {
        let code = secret_header(code.trim())?;
        *self.second_factor.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
        Ok(())
    }

    /// Whether anybody listens.
    ///
    /// # Errors
    /// When the socket is there, and we may not use it.
    pub async fn listens(&self) -> Result<bool, Error> {
        match wire::connect(&self.socket).await {
            Ok(_stream) => Ok(true),
            Err(Error::NobodyListens { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// `GET /v1/daemon`
    ///
    /// # Errors
    /// As every method here: [`Error`] says whether the daemon or the way to it is at fault.
    pub async fn daemon(&self) -> Result<DaemonInfo, Error> {
        self.get("/v1/daemon", PROMPT).await
    }

    /// The same, and hands over the key, where we have one: a daemon that has just been started is
    /// to open again what was open, and a service manager has no key for it.
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn equip(&self) -> Result<DaemonInfo, Error> {
        let ask = Ask::new(Method::GET, "/v1/daemon", PROMPT);
        self.send(self.with_key(ask)).await?.json().await
    }

    /// `GET /v1/doctor`: the login of which it speaks is ours, where we have one.
    ///
    /// # Errors
    /// See [`Api::daemon`]; what is not well is no error.
    pub async fn doctor(&self) -> Result<Checkup, Error> {
        let ask = Ask::new(Method::GET, "/v1/doctor", CHECKUP);
        self.send(self.with_key(ask)).await?.json().await
    }

    /// `POST /v1/daemon/stop`: it drains and leaves after the answer.
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn stop(&self) -> Result<(), Error> {
        self.send(Ask::new(Method::POST, "/v1/daemon/stop", PROMPT)).await?;
        Ok(())
    }

    /// `GET /v1/sessions`
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn sessions(&self) -> Result<SessionList, Error> {
        self.get("/v1/sessions", PROMPT).await
    }

    /// `GET /v1/sessions?wait=N`: the next list that is not version `version`, or the same one
    /// when `patience` is over.
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn sessions_after(
        &self,
        version: u64,
        patience: Duration,
    ) -> Result<SessionList, Error> {
        let path = format!("/v1/sessions?wait={version}&timeout_ms={}", patience.as_millis());
        self.get(&path, patience + GRACE).await
    }

    /// `POST /v1/sessions`
    ///
    /// # Errors
    /// See [`Api::daemon`]; an error means that no session was made.
    pub async fn open(&self, wish: &OpenSession) -> Result<Session, Error> {
        let patience = Duration::from_millis(wish.wait_ms) + GRACE;
        let ask = Ask::new(Method::POST, "/v1/sessions", patience).json(wish)?;
        self.send(self.with_key(ask)).await?.json().await
    }

    /// `DELETE /v1/sessions/{id}`: answers when everything of it is closed.
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn close(&self, id: &SessionId, drain: Duration) -> Result<Session, Error> {
        let path = format!("/v1/sessions/{id}?drain_ms={}", drain.as_millis());
        self.send(Ask::new(Method::DELETE, &path, drain + GRACE)).await?.json().await
    }

    /// `DELETE /v1/sessions/{id}?release=true`, for one that we hold: one that others need stays,
    /// and is not `closing` in the answer.
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn release(&self, id: &SessionId, drain: Duration) -> Result<Session, Error> {
        let path = format!("/v1/sessions/{id}?release=true&drain_ms={}", drain.as_millis());
        self.send(Ask::new(Method::DELETE, &path, drain + GRACE)).await?.json().await
    }

    /// `GET /v1/sessions/{id}/hold`
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn hold(&self, id: &SessionId) -> Result<Hold, Error> {
        let path = format!("/v1/sessions/{id}/hold");
        Ok(Hold { _open: self.send(Ask::new(Method::GET, &path, PROMPT)).await? })
    }

    /// `POST /v1/sessions/{id}/reconnect`
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn reconnect(&self, id: &SessionId, patience: Duration) -> Result<Session, Error> {
        self.renew(id, "reconnect", patience).await
    }

    /// `POST /v1/sessions/{id}/refresh`
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn refresh(&self, id: &SessionId, patience: Duration) -> Result<Session, Error> {
        self.renew(id, "refresh", patience).await
    }

    /// `GET /v1/sessions/{id}/credentials`: waits until they are known.
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn credentials(
        &self,
        id: &SessionId,
        patience: Duration,
    ) -> Result<Credentials, Error> {
        let path = format!("/v1/sessions/{id}/credentials?wait_ms={}", patience.as_millis());
        self.get(&path, patience + GRACE).await
    }

    /// `POST /v1/query`: dropping the lines cancels the query.
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn query(&self, request: &QueryRequest) -> Result<Lines<QueryEvent>, Error> {
        // A query may wait for the tunnel before its first line.
        let ask = Ask::new(Method::POST, "/v1/query", GRACE).json(request)?;
        Ok(Lines::new(self.send(ask).await?))
    }

    /// `POST /v1/query` with data for `COPY … FROM STDIN`.
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn query_with(
        &self,
        request: &QueryRequest,
        data: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<Lines<QueryEvent>, Error> {
        let mut line = serde_json::to_vec(request).map_err(Error::NotJson)?;
        line.push(b'\n');
        let body = stream::once(ready(Ok(Bytes::from(line)))).chain(data);
        let ask = Ask::new(Method::POST, "/v1/query", GRACE).stream("application/x-ndjson", body);
        Ok(Lines::new(self.send(ask).await?))
    }

    /// `GET /v1/events`
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn events(&self) -> Result<Lines<Event>, Error> {
        Ok(Lines::new(self.send(Ask::new(Method::GET, "/v1/events", PROMPT)).await?))
    }

    /// The same as the daemon words it, which may be newer than we are.
    ///
    /// # Errors
    /// See [`Api::daemon`].
    pub async fn events_as_they_come(&self) -> Result<Lines<Box<RawValue>>, Error> {
        Ok(Lines::new(self.send(Ask::new(Method::GET, "/v1/events", PROMPT)).await?))
    }

    async fn renew(
        &self,
        id: &SessionId,
        verb: &str,
        patience: Duration,
    ) -> Result<Session, Error> {
        let path = format!("/v1/sessions/{id}/{verb}?wait_ms={}", patience.as_millis());
        let ask = Ask::new(Method::POST, &path, patience + GRACE);
        self.send(self.with_key(ask)).await?.json().await
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        patience: Duration,
    ) -> Result<T, Error> {
        self.send(Ask::new(Method::GET, path, patience)).await?.json().await
    }

    async fn send(&self, ask: Ask) -> Result<Answer, Error> {
        self.with_second_factor(ask).send(&self.socket).await?.success().await
    }

    fn with_key(&self, ask: Ask) -> Ask {
        match &self.heroku_key {
            Some(key) => ask.heroku_key(key.clone()),
            None => ask,
        }
    }

    fn with_second_factor(&self, ask: Ask) -> Ask {
        match self.second_factor.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(code) => ask.second_factor(code),
            None => ask,
        }
    }
}

/// A value that hyper never prints. People paste line breaks around a key; blanks in it say that it
/// is none.
fn secret_header(key: &str) -> Result<HeaderValue, Error> {
    let key = key.trim();
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::KeyMalformed);
    }
    let mut value = HeaderValue::from_str(key).map_err(|_unprintable| Error::KeyMalformed)?;
    value.set_sensitive(true);
    Ok(value)
}
