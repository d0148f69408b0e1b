//! Refuses what a web page can send. A browser cannot open a Unix socket, but something between
//! the two could be made to (a port forwarded to the socket, for one), and then every page that
//! the user visits is a caller.

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use borealis_proto::{API_HEADER, API_VERSION, HEROKU_KEY_HEADER, TWO_FACTOR_HEADER};

use super::error::Error;
use super::state::{HandOver, Handed};
use super::upload;
use crate::secret::Secret;

/// The names by which the daemon may be addressed: fixed, so that no DNS name rebinds to it.
const HOSTS: [&[u8]; 2] = [b"localhost", b"borealisd"];

/// What a browser adds to every request, and no script can take away.
const FETCH_METADATA: &str = "sec-fetch-";

/// Heroku's keys have 36 to 65 characters.
const LONGEST_KEY: usize = 1024;

/// Lets a request of a client of ours through, after taking the user's secrets out of it.
pub(super) async fn admit(
    State(hand_over): State<HandOver>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Err(error) = check(request.headers(), request.body()) {
        return error.into_response();
    }
    note_version(request.headers());
    for (header, kind) in
        [(HEROKU_KEY_HEADER, Handed::Key as fn(_) -> _), (TWO_FACTOR_HEADER, Handed::TwoFactorCode)]
    {
        match take_secret(request.headers_mut(), header) {
            Ok(Some(secret)) => hand_over(kind(secret)).await,
            Ok(None) => {}
            Err(error) => return error.into_response(),
        }
    }
    next.run(request).await
}

fn check(headers: &HeaderMap, body: &Body) -> Result<(), Error> {
    let browser = |name: &HeaderName| {
        *name == ORIGIN || *name == REFERER || name.as_str().starts_with(FETCH_METADATA)
    };
    if headers.keys().any(browser) {
        return Err(Error::Forbidden("web pages may not speak to borealisd"));
    }
    let host = headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    if !HOSTS.iter().any(|name| host.eq_ignore_ascii_case(name)) {
        return Err(Error::Forbidden("the Host header must be localhost or borealisd"));
    }
    // A page can send forms and plain text to anybody, JSON only with consent.
    if !body.is_end_stream() && !is_json(headers) && !upload::has_lines(headers) {
        let message = "the content type must be application/json".to_owned();
        return Err(Error::Malformed { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, message });
    }
    Ok(())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Neighbouring versions work together; it is only good to know when something goes wrong.
fn note_version(headers: &HeaderMap) {
    let Some(theirs) = headers.get(API_HEADER) else { return };
    if theirs.as_bytes() != API_VERSION.to_string().as_bytes() {
        tracing::debug!(client = ?theirs, daemon = API_VERSION, "another version of the API");
    }
}

/// Out of the headers, so that nothing behind this sees it.
fn take_secret(headers: &mut HeaderMap, header: &str) -> Result<Option<Secret<String>>, Error> {
    let Some(value) = headers.remove(header) else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(Error::malformed(format!("what the header {header} holds is none")));
    }
    Ok(Some(Secret::new(key.to_owned())))
}
