use axum::Router;
use axum::http::StatusCode;
use proptest::prelude::*;
use serde::Deserialize;

use super::test_server::serve;
use super::*;

#[derive(Debug, Deserialize)]
struct Key {
    #[serde(rename = "sshPrivateKey")]
    _key: u32,
}

fn answer(body: &str) -> Answer {
    Answer {
        api: "Heroku",
        status: StatusCode::OK,
        retry_after: None,
        body: Secret::new(body.as_bytes().to_vec()),
    }
}

async fn get(base: &Url) -> Result<Answer, Error> {
    send("Heroku", client(&[base]).unwrap().get(url(base, &["a"]))).await
}

#[test]
fn what_cannot_be_read_is_told_without_its_content() {
    let table = [
        (r#"{"sshPrivateKey":"canary"}"#, "does not fit"),
        (r#"{"x":"canary"}"#, "missing field `sshPrivateKey`"),
        ("<html>canary</html>", "not JSON"),
        (r#"{"sshPrivateKey":"canary"#, "not all of it"),
        ("", "not all of it"),
    ];
    for (body, said) in table {
        let error = answer(body).json::<Key>().unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(said), "{body}: {text}");
        assert!(!text.contains("canary"), "{body}: {text}");
        assert_eq!(error.failure().reason.code, ErrorCode::ServiceMisbehaved);
    }
}

#[test]
fn an_errors_text_is_found_and_made_fit() {
    let said = |body| answer(body).text("reason");
    assert_eq!(said(r#"{"reason":"go\u001b[2J\naway"}"#).unwrap(), r"go\u{1b}[2J away");
    for body in [r#"{"reason":7}"#, r#"{"reason":""}"#, "{}", "[]", "<html>"] {
        assert_eq!(said(body), None, "{body}");
    }
}

#[test]
fn a_name_cannot_leave_its_place_in_the_address() {
    let base: Url = "https://api.test/v1/".parse().unwrap();
    assert_eq!(url(&base, &["apps", "a/../b?c#d"]).path(), "/v1/apps/a%2F..%2Fb%3Fc%23d");
}

#[test]
fn retry_after_is_kept_within_reason() {
    let pause = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers)
    };
    let future = jiff::Timestamp::now() + Duration::from_secs(90);
    let date = jiff::fmt::rfc2822::to_string(&future.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    assert_eq!(pause("7"), Some(Duration::from_secs(7)));
    assert_eq!(pause("0"), Some(MIN_PAUSE));
    assert_eq!(pause("99999999999"), Some(MAX_PAUSE));
    assert_eq!(pause("Sun, 06 Nov 1994 08:49:37 GMT"), Some(MIN_PAUSE));
    assert!(pause(&date).unwrap() > Duration::from_secs(60), "{date}");
    for nonsense in ["-1", "soon", ""] {
        assert_eq!(pause(nonsense), None, "{nonsense}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = [("location", "http://127.0.0.1:1/")];
    let router = Router::new().fallback(async move || (StatusCode::FOUND, elsewhere));
    let (base, _server) = serve(router).await;
    assert!(matches!(get(&base).await, Err(Error::Portal { what: "a redirect", .. })));
}

/// What comes of an answer of this status and type: `None` where it is the API's.
async fn portal(status: u16, kind: &'static str) -> Option<Failure> {
    let answer = (StatusCode::from_u16(status).unwrap(), [("content-type", kind)], "<html>");
    let (base, _server) = serve(Router::new().fallback(async move || answer)).await;
    match get(&base).await {
        Err(error @ Error::Portal { .. }) => Some(error.failure()),
        Ok(answer) => {
            assert_eq!(answer.status().as_u16(), status);
            None
        }
        Err(error) => panic!("{status} {kind}: {error}"),
    }
}

#[tokio::test]
async fn a_page_is_no_answer_whatever_its_status() {
    for status in [200, 201, 302, 307, 401, 403, 404, 407, 422, 511] {
        let failure = portal(status, "Text/HTML; charset=utf-8").await.unwrap();
        assert_eq!(failure.fault, Fault::Transient, "{status}");
        assert!(failure.reason.hint.unwrap().contains("captive portal"), "{status}");
    }
    for (status, kind) in [(200, "application/json"), (401, "application/json"), (403, "text/htm")]
    {
        assert_eq!(portal(status, kind).await, None, "{status} {kind}");
    }
    for status in [500, 502, 503] {
        assert_eq!(portal(status, "text/html").await, None, "a load balancer's page: {status}");
    }
}

#[tokio::test]
async fn half_an_answer_is_none() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let halved = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
        let half =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{}";
        stream.write_all(half.as_bytes()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(get(&base), halved);
    let failure = answer.unwrap_err().failure();
    assert_eq!(
        (failure.fault, failure.reason.code),
        (Fault::Transient, ErrorCode::ServiceUnavailable)
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (base, _server) = serve(Router::new().fallback(async || "x".repeat(MAX_BODY + 1))).await;
    assert!(matches!(get(&base).await, Err(Error::TooLarge { .. })));
}

#[tokio::test]
async fn nobody_listening_says_so_and_passes() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", socket.local_addr().unwrap()).parse().unwrap();
    drop(socket);
    let failure = get(&base).await.unwrap_err().failure();
    assert_eq!(
        (failure.fault, failure.reason.code),
        (Fault::Transient, ErrorCode::ServiceUnavailable)
    );
    assert!(failure.reason.message.contains("refused"), "{failure:?}");
}

proptest! {
    #[test]
    fn what_is_shown_has_no_control_characters(text in any::<String>()) {
        let shown = shown(&text);
        prop_assert!(!shown.chars().any(char::is_control));
        let longest = MAX_SHOWN * r"\u{10ffff}".len() + "…".len();
        prop_assert!(shown.len() <= longest);
    }

    #[test]
    fn plain_text_is_shown_as_it_is(text in "[a-z0-9äß(){}.,-]{0,300}") {
        prop_assert_eq!(shown(&text), text);
    }
}
