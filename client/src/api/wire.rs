//! One HTTP request over the local socket, and its answer.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use borealis_proto::{
    API_HEADER, API_VERSION, DAEMON_HEADER, ErrorBody, HEROKU_KEY_HEADER, REPLACED,
    REQUEST_ID_HEADER, TWO_FACTOR_HEADER,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::error::Error;
use crate::output::notes;

#[cfg(unix)]
type LocalSocket = tokio::net::UnixStream;
#[cfg(windows)]
type LocalSocket = tokio::net::windows::named_pipe::NamedPipeClient;

/// Whether the user was told that the daemon speaks another version: once is enough.
static WARNED: AtomicBool = AtomicBool::new(false);

/// Our release.
const OURS: &str = env!("CARGO_PKG_VERSION");

/// How long the rest of an answer may take once its head is here. Streams are not bound by it.
const BODY: Duration = Duration::from_secs(15);

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What is asked, and how long the answer's head may take.
pub(super) struct Ask {
    method: Method,
    path: String,
    kind: &'static str,
    body: Body,
    heroku_key: Option<HeaderValue>,
    second_factor: Option<HeaderValue>,
    patience: Duration,
}

/// An answer whose body is still to be read. Dropped, it takes its connection with it, which is
/// how the daemon hears that nobody waits any more.
#[derive(Debug)]
pub(super) struct Answer {
    response: Response<Incoming>,
    /// Moves the bytes of this one connection; aborted on drop.
    _connection: JoinSet<()>,
}

impl Ask {
    pub(super) fn new(method: Method, path: &str, patience: Duration) -> Self {
        let (path, kind) = (path.to_owned(), "application/json");
        let body = whole(Vec::new());
        Self { method, path, kind, body, heroku_key: None, second_factor: None, patience }
    }

    pub(super) fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        self.body = whole(serde_json::to_vec(body).map_err(Error::NotJson)?);
        Ok(self)
    }

    /// Bytes that are sent while the answer comes. One that ends with an error cuts the request.
    pub(super) fn stream(
        mut self,
        kind: &'static str,
        bytes: impl futures_util::Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        self.kind = kind;
        self.body = StreamBody::new(bytes.map_ok(Frame::data)).boxed_unsync();
        self
    }

    pub(super) fn heroku_key(mut self, key: HeaderValue) -> Self {
        self.heroku_key = Some(key);
        self
    }

    pub(super) fn second_factor(mut self, code: HeaderValue) -> Self {
        self.second_factor = Some(code);
        self
    }

    pub(super) async fn send(self, socket: &Path) -> Result<Answer, Error> {
        let patience = self.patience;
        let what = format!("{} {}", self.method, self.path);
        notes::detail(|| format!("> {what} on {}", socket.display()));
        let asked = Instant::now();
        let request = self.into_request()?;
        let answer = async {
            let stream = connect(socket).await?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            let mut tasks = JoinSet::new();
            tasks.spawn(async move {
                // Its error is the response's as well, and reported there.
                let _reported = connection.await;
            });
            let response = sender.send_request(request).await?;
            warn_of_other_version(&response);
            notes::detail(|| answered(&what, &response, asked.elapsed()));
            Ok(Answer { response, _connection: tasks })
        };
        timeout(patience, answer).await.map_err(|_elapsed| Error::Slow(patience))?
    }

    fn into_request(self) -> Result<Request<Body>, Error> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, self.kind)
            .header(API_HEADER, API_VERSION);
        if let Some(key) = self.heroku_key {
            request = request.header(HEROKU_KEY_HEADER, key);
        }
        if let Some(code) = self.second_factor {
            request = request.header(TWO_FACTOR_HEADER, code);
        }
        Ok(request.body(self.body)?)
    }
}

fn whole(body: Vec<u8>) -> Body {
    Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync()
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// This answer, unless it is an error.
    pub(super) async fn success(self) -> Result<Self, Error> {
        if self.response.status().is_success() {
            return Ok(self);
        }
        let body: ErrorBody = self.json().await?;
        Err(Error::Refused(Box::new(body.error)))
    }

    pub(super) async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let status = self.status();
        let body = timeout(BODY, self.response.into_body().collect())
            .await
            .map_err(|_elapsed| Error::Slow(BODY))??
            .to_bytes();
        serde_json::from_slice(&body).map_err(|source| Error::Unreadable { status, source })
    }

    /// The next piece of the body; none at its end.
    pub(super) async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.response.body_mut().frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

pub(super) async fn connect(socket: &Path) -> Result<LocalSocket, Error> {
    open(socket).await.map_err(|source| {
        let socket = socket.to_owned();
        let absent = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
        if absent.contains(&source.kind()) {
            Error::NobodyListens { socket }
        } else {
            Error::Unreachable { socket, source }
        }
    })
}

#[cfg(unix)]
async fn open(socket: &Path) -> io::Result<LocalSocket> {
    let stream = LocalSocket::connect(socket).await?;
    let (theirs, ours) = (stream.peer_cred()?.uid(), rustix::process::geteuid().as_raw());
    if theirs != ours {
        // Before a word is said: the first may be a Heroku key.
        let message = format!("user {theirs} listens there, not user {ours}");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(stream)
}

/// Through tokio's own options, because they set the impersonation level. A busy pipe is one whose
/// server is about to offer its next instance.
#[cfg(windows)]
async fn open(pipe: &Path) -> io::Result<LocalSocket> {
    use tokio::net::windows::named_pipe::ClientOptions;
    const PIPE_BUSY: i32 = 231;
    loop {
        match ClientOptions::new().open(pipe) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            done => return done,
        }
    }
}

/// The id finds the causes in the daemon's log.
fn answered(what: &str, response: &Response<Incoming>, took: Duration) -> String {
    let id = response.headers().get(REQUEST_ID_HEADER).and_then(|id| id.to_str().ok());
    let status = response.status().as_u16();
    format!("< {what}: {status} after {took:.1?}, request {}", id.unwrap_or("without an id"))
}

/// Whoever is about to restart the daemon need not be told to.
pub(crate) fn keep_quiet_about_versions() {
    WARNED.store(true, Ordering::Relaxed);
}

fn warn_of_other_version(response: &Response<Incoming>) {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(what) = other_version(header(API_HEADER), header(DAEMON_HEADER)) else { return };
    if !WARNED.swap(true, Ordering::Relaxed) {
        notes::warning(&format!("{what}: change over with `borealisctl daemon restart`"));
    }
}

/// What differs, if a restart of the daemon would help.
fn other_version(api: Option<&str>, daemon: Option<&str>) -> Option<String> {
    if api.and_then(|text| text.parse().ok()) != Some(API_VERSION) {
        return Some(format!(
            "borealisd speaks version {theirs} of the control API, borealisctl {API_VERSION}",
            theirs = api.unwrap_or("none"),
        ));
    }
    // A daemon that is older than the header speaks an API that we speak.
    let mut words = daemon?.split(' ');
    let theirs = words.next().unwrap_or_default();
    if release(theirs) < release(OURS) {
        return Some(format!("borealisd {theirs} is running, and borealisctl is {OURS}"));
    }
    let replaced = words.any(|word| word == REPLACED);
    replaced.then(|| format!("borealisd {theirs} is running, and another was installed since"))
}

/// For comparing: `0.10.2` is newer than `0.9`.
fn release(text: &str) -> Vec<u64> {
    let number = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    text.split('.').map(|part| number(part).parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_daemon_that_a_restart_changes_is_worth_a_word() {
        let ours = OURS;
        let replaced = format!("{ours} {REPLACED}");
        let table = [
            (Some("1"), None, false),
            (Some("1"), Some(ours), false),
            (Some("1"), Some("0.0.9"), true),
            (Some("1"), Some("999.0.0"), false),
            (Some("1"), Some(replaced.as_str()), true),
            (Some("1"), Some("gibberish"), true),
            (Some("2"), Some(ours), true),
            (None, Some(ours), true),
        ];
        for (api, daemon, worth) in table {
            assert_eq!(other_version(api, daemon).is_some(), worth, "{api:?} {daemon:?}");
        }
        assert!(release("0.10.2") > release("0.9") && release("1.0.0-rc.1") > release("0.9.9"));
    }
}
