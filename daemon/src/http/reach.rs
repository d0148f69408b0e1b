//! Whether an API can be reached at all, asked without credentials: any answer will do, and its
//! `Date` says how right our clock is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap};
use reqwest::{RequestBuilder, StatusCode};

use super::{Error, lost};

/// For all of it: somebody looks on. Longer than the handshakes may take, so that their error is
/// the one that is told.
const TIMEOUT: Duration = Duration::from_secs(12);

/// An answer, from whoever gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its status.
    pub status: StatusCode,
    /// How far our clock is ahead of theirs, to a second or two; negative when it is behind.
    pub ahead: Option<SignedDuration>,
}

/// Sends a request and reads the head of the answer.
///
/// # Errors
/// When no answer comes back.
pub async fn reach(api: &'static str, request: RequestBuilder) -> Result<Reached, Error> {
    let response = request.timeout(TIMEOUT).send().await.map_err(|error| lost(api, error))?;
    let ahead = date(response.headers()).map(|date| Timestamp::now().duration_since(date));
    Ok(Reached { status: response.status(), ahead })
}

/// RFC 9110, 6.6.1. Caches on the way keep it as it was, and say so with `Age`.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    if headers.contains_key(reqwest::header::AGE) {
        return None;
    }
    super::http_date(headers.get(DATE)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use axum::Router;

    use super::super::test_server::{reply, serve};
    use super::super::{client, url};
    use super::*;

    async fn answered(status: u16, headers: &'static [(&str, &str)]) -> Reached {
        let router = Router::new().fallback(async move || reply(status, headers, "<html>"));
        let (base, _server) = serve(router).await;
        reach("Heroku", client(&[&base]).unwrap().get(url(&base, &[]))).await.unwrap()
    }

    #[tokio::test]
    async fn any_answer_will_do() {
        for status in [200, 302, 401, 404, 503] {
            let reached = answered(status, &[]).await;
            assert_eq!(reached.status.as_u16(), status);
            let ahead = reached.ahead.unwrap();
            assert!(ahead.abs() <= SignedDuration::from_secs(5), "one clock for both: {ahead}");
        }
    }

    #[tokio::test]
    async fn the_date_tells_how_right_our_clock_is() {
        let old = answered(200, &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")]).await;
        assert!(old.ahead.unwrap() > SignedDuration::from_hours(24 * 365 * 20));
        let future = answered(200, &[("date", "Sat, 06 Nov 2094 08:49:37 GMT")]).await;
        assert!(future.ahead.unwrap() < SignedDuration::from_hours(-24 * 365 * 20));
        assert_eq!(answered(200, &[("date", "soon")]).await.ahead, None);
        let cached = [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("age", "7")];
        assert_eq!(answered(200, Box::leak(Box::new(cached))).await.ahead, None);
    }

    #[tokio::test]
    async fn nobody_there_is_an_error() {
        let base: reqwest::Url = "http://127.0.0.1:1/".parse().unwrap();
        let error = reach("Heroku", client(&[&base]).unwrap().get(base)).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    }
}
