//! What the clients of both APIs need: one connection pool, one way to read an answer.
//!
//! The other side of these connections may be a proxy, a captive portal or something that is not
//! well. So an answer is bounded in time and size, is JSON or an error, and no text of it reaches
//! a person before its control characters are gone.

mod reach;

use std::error::Error as Cause;
use std::time::Duration;

use borealis_proto::ErrorCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::fault::{Failure, Fault};
use crate::secret::Secret;

pub use reach::{Reached, reach};

/// For the TCP and TLS handshakes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept that nobody uses: calls come in groups, and hours apart. One that
/// outlived a change of network would fail the next call.
const IDLE: Duration = Duration::from_secs(15);
/// For a whole request, from the first byte out to the last byte in.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer in use is a list of add-ons, some kilobytes each.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// What we show of a text that is not ours.
const MAX_SHOWN: usize = 300;
/// When we are told to wait and not how long.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);
/// `Retry-After: 0` must not become a storm.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// Nor may a broken clock over there silence us for a year.
const MAX_PAUSE: Duration = Duration::from_secs(60 * 60);

/// What helps against a captive portal.
const LOG_IN_TO_THE_NETWORK: &str = "is it a captive portal? Log in to the network in a browser, \
                                     or ask who runs its proxy; it goes on by itself";

/// Why there is no answer that can be used. Holds no part of a body.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client could not be made: no certificates on this system.
    #[error("HTTPS cannot be used on this system")]
    Client(#[source] reqwest::Error),
    /// Nothing came back in time.
    #[error("{api} did not answer in time")]
    TimedOut {
        /// Who was asked.
        api: &'static str,
        /// At which step.
        #[source]
        source: reqwest::Error,
    },
    /// No connection, or it broke.
    #[error("{api} cannot be reached: {detail}")]
    Unreachable {
        /// Who was asked.
        api: &'static str,
        /// The innermost cause, escaped and cut.
        detail: String,
        /// All causes.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is larger than any should be.
    #[error("{api} answered with more than {MAX_BODY} bytes")]
    TooLarge {
        /// Who was asked.
        api: &'static str,
    },
    /// A page or a redirect, which the APIs never answer: it is not the API that answers.
    #[error("the network answers with {what} instead of {api}")]
    Portal {
        /// Who was asked.
        api: &'static str,
        /// What came.
        what: &'static str,
    },
    /// The answer is not the JSON that was asked for.
    #[error("{api} answered something else than expected ({detail}): is a proxy in between?")]
    Unexpected {
        /// Who was asked.
        api: &'static str,
        /// What is wrong and where, without what stands there.
        detail: String,
    },
}

/// An answer that has come in whole, with whatever status.
#[derive(Debug)]
pub struct Answer {
    api: &'static str,
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Secret<Vec<u8>>,
}

/// The connection pool that the clients of both APIs share.
///
/// It follows no redirect: the token goes to the host it is for and to no other. An API on this
/// machine speaks plain HTTP, so no proxy may get to see what is said to it.
///
/// # Errors
/// When the system has no TLS certificates to trust.
pub fn client(apis: &[&Url]) -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("borealisd/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(IDLE)
        .redirect(Policy::none());
    let local = apis.iter().any(|api| api.scheme() == "http");
    let builder = if local { builder.no_proxy() } else { builder };
    builder.build().map_err(Error::Client)
}

/// An address below `base`; each segment is escaped, so that no name can leave its place.
#[must_use]
pub fn url(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Sends a request and reads the whole answer.
///
/// # Errors
/// When no complete answer comes back, or one that is not the API's. A status that is not a success
/// is an answer.
pub async fn send(api: &'static str, request: RequestBuilder) -> Result<Answer, Error> {
    let response = request.send().await.map_err(|error| lost(api, error))?;
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    if let Some(what) = not_an_api(status, response.headers()) {
        return Err(Error::Portal { api, what });
    }
    let body = read(api, response).await?;
    Ok(Answer { api, status, retry_after, body })
}

/// What a captive portal or a proxy answers in the API's place, with whatever status it likes: 200,
/// 401 and 404 among them, each of which would mean something. The APIs answer JSON, and no
/// redirects; behind them, a load balancer that is not well has a page for its 5xx.
fn not_an_api(status: StatusCode, headers: &HeaderMap) -> Option<&'static str> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let page = kind.trim_start().get(.."text/html".len());
    match status {
        StatusCode::NETWORK_AUTHENTICATION_REQUIRED => Some("a demand to log in"),
        status if status.is_redirection() => Some("a redirect"),
        status if status.is_server_error() => None,
        _ => page.filter(|page| page.eq_ignore_ascii_case("text/html")).map(|_| "a web page"),
    }
}

/// Text that is not ours, made fit for a terminal and a log: control characters and marks that
/// turn the direction of writing are escaped, and it is cut.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.trim().chars().take(MAX_SHOWN) {
        match c {
            '\n' | '\r' | '\t' => shown.push(' '),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => {
                shown.extend(c.escape_unicode());
            }
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    if text.trim().chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

impl Answer {
    /// As if a server had sent it.
    #[cfg(test)]
    pub(crate) fn of(status: StatusCode, body: &[u8]) -> Self {
        Self { api: "the API", status, retry_after: None, body: Secret::new(body.to_vec()) }
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// How long `Retry-After` asks us to wait, within reason; a minute if it does not say.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.retry_after.unwrap_or(DEFAULT_PAUSE)
    }

    /// The body.
    ///
    /// # Errors
    /// When it is not the JSON that `T` stands for.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.body.expose())
            .map_err(|error| Error::Unexpected { api: self.api, detail: without_values(&error) })
    }

    /// A text in the body of an error, fit to be shown. `None` where there is none.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(self.body.expose()).ok()?;
        body.get(field)?.as_str().map(shown).filter(|text| !text.is_empty())
    }
}

impl Error {
    /// How it is treated, and what people are told.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let code = match self {
            Self::Client(_) => ErrorCode::Internal,
            Self::TimedOut { .. } | Self::Unreachable { .. } => ErrorCode::ServiceUnavailable,
            Self::TooLarge { .. } | Self::Unexpected { .. } | Self::Portal { .. } => {
                ErrorCode::ServiceMisbehaved
            }
        };
        let failure = Failure::new(Fault::Transient, code, self.to_string());
        if self.may_be_a_portal() { failure.hint(LOG_IN_TO_THE_NETWORK) } else { failure }
    }

    /// A portal has no certificate for the API's name; without TLS it can show its page.
    fn may_be_a_portal(&self) -> bool {
        match self {
            Self::Portal { .. } => true,
            Self::Unreachable { detail, .. } => detail.contains("invalid peer certificate"),
            Self::Client(_)
            | Self::TimedOut { .. }
            | Self::TooLarge { .. }
            | Self::Unexpected { .. } => false,
        }
    }
}

fn lost(api: &'static str, error: reqwest::Error) -> Error {
    let source = error.without_url();
    if source.is_timeout() {
        return Error::TimedOut { api, source };
    }
    Error::Unreachable { api, detail: shown(&innermost(&source).to_string()), source }
}

/// The outer causes only say that a request failed.
fn innermost<'a>(error: &'a (dyn Cause + 'static)) -> &'a (dyn Cause + 'static) {
    error.source().map_or(error, innermost)
}

async fn read(api: &'static str, mut response: Response) -> Result<Secret<Vec<u8>>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(api, error))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Error::TooLarge { api });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Secret::new(body))
}

/// serde's own messages quote what they stumble over, and that may be a password. Only the name
/// of a field that is not there is ours.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    let what = match error.classify() {
        serde_json::error::Category::Io | serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Eof => "not all of it",
        serde_json::error::Category::Data => "a value that does not fit",
    };
    format!("{what}, at line {} column {}", error.line(), error.column())
}

/// Seconds, or a date; RFC 9110, 10.2.3.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_not_seconds) => until(text)?,
    };
    Some(pause.clamp(MIN_PAUSE, MAX_PAUSE))
}

fn http_date(text: &str) -> Option<jiff::Timestamp> {
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

fn until(date: &str) -> Option<Duration> {
    let wait = http_date(date)?.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;
