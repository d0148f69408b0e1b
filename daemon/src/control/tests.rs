use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use borealis_proto::{ErrorBody, ErrorCode};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::answer::Answering;
use super::extract::{Body, Id};
use super::{connection, ndjson, routes};
use crate::platform::ProgramFile;

/// Shows that a handler began, and that it was dropped.
struct Mark(mpsc::Sender<Life>);

#[derive(Debug, PartialEq)]
enum Life {
    Began,
    Dropped,
}

impl Mark {
    fn new(lives: &mpsc::Sender<Life>) -> Self {
        lives.try_send(Life::Began).unwrap();
        Self(lives.clone())
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.try_send(Life::Dropped).unwrap();
    }
}

struct Api {
    router: Router,
    keys: Arc<Mutex<Vec<String>>>,
    cancel: CancellationToken,
    lives: mpsc::Receiver<Life>,
}

async fn panics() -> &'static str {
    panic!("on purpose")
}

/// The layers of the API around handlers that need no sessions.
fn api() -> Api {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let (sender, lives) = mpsc::channel(8);
    let (cancel, sink) = (CancellationToken::new(), Arc::clone(&keys));
    let (waiting, streaming, stop) = (sender.clone(), sender, cancel.clone());
    let shutdown = cancel.clone();
    let wait = move || {
        let mark = Mark::new(&waiting);
        async move {
            std::future::pending::<()>().await;
            drop(mark);
        }
    };
    let endless = move || {
        let mark = Mark::new(&streaming);
        let rest = stream::unfold(mark, |mark| async move {
            std::future::pending::<()>().await;
            Some((Bytes::new(), mark))
        });
        let first = stream::iter([Bytes::from_static(b"{}\n")]);
        std::future::ready(ndjson::respond(first.chain(rest), shutdown.clone()))
    };
    let routes = Router::new()
        .route("/ok", get(|| async { "fine" }))
        .route("/echo", post(|Body(text): Body<String>| async move { text }))
        .route("/id/{id}", get(|Id(id): Id| async move { id.to_string() }))
        .route("/panic", get(panics))
        .route("/wait", get(wait))
        .route("/endless", get(endless))
        .route("/stop", post(move || async move { stop.cancel() }));
    let hand_over: super::HandOver = Arc::new(move |handed| {
        let said = match handed {
            super::Handed::Key(key) => key.expose().clone(),
            super::Handed::TwoFactorCode(code) => format!("code {}", code.expose()),
        };
        let sink = Arc::clone(&sink);
        // Not at once: whoever does not wait for it answers first.
        Box::pin(async move {
            tokio::task::yield_now().await;
            sink.lock().unwrap().push(said);
        })
    });
    let program = Arc::new(ProgramFile::ours());
    let answering = Answering { closing: cancel.clone(), program };
    let router = routes::guarded(routes, hand_over, answering);
    Api { router, keys, cancel, lives }
}

impl Api {
    /// A connection; the server's side runs for as long as the test's runtime.
    fn connect(&self) -> (DuplexStream, tokio::task::JoinHandle<()>) {
        let (client, server) = duplex(8 * 1024 * 1024);
        let serving = connection::serve(server, self.router.clone(), self.cancel.clone());
        (client, tokio::task::spawn_local(serving))
    }

    async fn send(&self, request: &str) -> String {
        let (mut client, _serving) = self.connect();
        client.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut client).await
    }

    async fn fails(&self, request: &str, status: u16, code: ErrorCode) {
        let answer = self.send(request).await;
        let shown: String = request.chars().take(200).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}\n{answer}");
        assert!(answer.contains("\r\nborealis-api: 1\r\n"), "{shown}\n{answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        let body: ErrorBody = serde_json::from_str(body).unwrap();
        assert_eq!(body.error.code, code, "{shown}");
        assert!(!body.request_id.is_empty() && !body.error.message.is_empty(), "{body:?}");
    }
}

async fn read_all(client: &mut DuplexStream) -> String {
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    text
}

fn request(first: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{first} HTTP/1.1\r\nconnection: close\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    format!("{text}\r\n{body}")
}

fn get_request(path: &str) -> String {
    request(&format!("GET {path}"), &["host: localhost"], "")
}

const JSON: [&str; 2] = ["host: localhost", "content-type: application/json"];

async fn local(test: impl Future<Output = ()>) {
    tokio::task::LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn clients_are_served() {
    local(async {
        let api = api();
        for host in ["localhost", "borealisd", "LOCALHOST"] {
            let answer = api.send(&request("GET /ok", &[&format!("host: {host}")], "")).await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("fine"), "{answer}");
            assert!(answer.contains("\r\nborealis-api: 1\r\n"), "{answer}");
        }
        let typed = ["host: localhost", "content-type: Application/JSON; charset=utf-8"];
        let answer = api.send(&request("POST /echo", &typed, "\"words\"")).await;
        assert!(answer.ends_with("words"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn web_pages_are_refused() {
    local(async {
        let api = api();
        for header in [
            "origin: http://localhost",
            "origin: null",
            "referer: https://evil.test/",
            "sec-fetch-mode: cors",
            "Sec-Fetch-Site: none",
        ] {
            let text = request("GET /ok", &["host: localhost", header], "");
            api.fails(&text, 403, ErrorCode::Forbidden).await;
        }
        for host in [&["host: evil.test"][..], &["host: localhost.evil.test"], &["host:"]] {
            api.fails(&request("GET /ok", host, ""), 403, ErrorCode::Forbidden).await;
        }
        for kind in [&JSON[..1], &["host: localhost", "content-type: text/plain"]] {
            let text = request("POST /echo", kind, "\"words\"");
            api.fails(&text, 415, ErrorCode::BadRequest).await;
        }
        let rebound = request("GET /ok", &["host: evil.test", "heroku-api-key: k"], "");
        api.fails(&rebound, 403, ErrorCode::Forbidden).await;
        assert!(api.keys.lock().unwrap().is_empty(), "a page handed a key over");
    })
    .await;
}

#[tokio::test]
async fn whatever_goes_wrong_is_json() {
    local(async {
        let api = api();
        api.fails(&get_request("/none"), 404, ErrorCode::NoSuchRoute).await;
        let wrong = request("DELETE /ok", &["host: localhost"], "");
        api.fails(&wrong, 405, ErrorCode::NoSuchRoute).await;
        api.fails(&get_request("/panic"), 500, ErrorCode::Internal).await;
        api.fails(&get_request("/id/..%2f"), 400, ErrorCode::BadRequest).await;
        api.fails(&request("POST /echo", &JSON, "\"cut"), 400, ErrorCode::BadRequest).await;
        api.fails(&request("POST /echo", &JSON, "5"), 422, ErrorCode::BadRequest).await;
        let long = format!("\"{}\"", "x".repeat(1024 * 1024));
        api.fails(&request("POST /echo", &JSON, &long), 413, ErrorCode::BadRequest).await;
        assert!(api.send(&get_request("/ok")).await.ends_with("fine"));
    })
    .await;
}

#[tokio::test]
async fn a_key_is_handed_over_and_never_echoed() {
    local(async {
        let api = api();
        let text = request("GET /ok", &["host: localhost", "Heroku-Api-Key:  HRKU-canary "], "");
        let answer = api.send(&text).await;
        assert!(answer.ends_with("fine") && !answer.contains("canary"), "{answer}");
        assert_eq!(*api.keys.lock().unwrap(), ["HRKU-canary"]);
        let empty = request("GET /ok", &["host: localhost", "heroku-api-key: "], "");
        api.fails(&empty, 400, ErrorCode::BadRequest).await;
    })
    .await;
}

#[tokio::test]
async fn a_request_ends_with_its_caller() {
    local(async {
        let mut api = api();
        for path in ["/wait", "/endless"] {
            let (mut client, serving) = api.connect();
            client.write_all(get_request(path).as_bytes()).await.unwrap();
            assert_eq!(api.lives.recv().await, Some(Life::Began), "{path}");
            drop(client);
            assert_eq!(api.lives.recv().await, Some(Life::Dropped), "{path}");
            serving.await.unwrap();
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_every_request_and_answers_the_one_that_asked() {
    local(async {
        let mut api = api();
        let (mut waiting, one) = api.connect();
        let (mut endless, two) = api.connect();
        waiting.write_all(get_request("/wait").as_bytes()).await.unwrap();
        endless.write_all(get_request("/endless").as_bytes()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(api.lives.recv().await, Some(Life::Began));
        }
        let answer = api.send(&request("POST /stop", &["host: localhost"], "")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let told = read_all(&mut waiting).await;
        assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("closing"), "{told}");
        let rest = read_all(&mut endless).await;
        assert!(rest.ends_with("0\r\n\r\n"), "an endless answer ends in order: {rest}");
        one.await.unwrap();
        two.await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_says_nothing_is_let_go() {
    local(async {
        let api = api();
        let (mut client, serving) = api.connect();
        client.write_all(b"GET /ok HTTP/1.1\r\nhost:").await.unwrap();
        let waited = tokio::time::timeout(Duration::from_secs(60), serving).await;
        assert!(waited.is_ok(), "still connected after a minute");
    })
    .await;
}

/// Sends a byte a second for as long as the daemon listens; gives how many seconds that was.
async fn trickle(api: &Api, head: &str) -> (u64, String) {
    let (mut client, serving) = api.connect();
    client.write_all(head.as_bytes()).await.unwrap();
    for second in 0..300 {
        if serving.is_finished() || client.write_all(b"x").await.is_err() {
            return (second, read_all(&mut client).await);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("still listening after five minutes");
}

#[tokio::test(start_paused = true)]
async fn a_byte_a_second_keeps_no_place() {
    local(async {
        let api = api();
        let (seconds, _) = trickle(&api, "GET /ok HTTP/1.1\r\nhost: localhost\r\nx: ").await;
        assert!(seconds <= 11, "a head may take {seconds} s");
        let head =
            format!("POST /echo HTTP/1.1\r\n{}\r\ncontent-length: 1000\r\n\r\n", JSON.join("\r\n"));
        let (seconds, answer) = trickle(&api, &head).await;
        assert!(seconds <= 35, "a body may take {seconds} s");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn heads_and_bodies_without_end_are_cut_off() {
    local(async {
        let api = api();
        let many = format!("GET /ok HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: y\r\n".repeat(65));
        assert!(api.send(&many).await.starts_with("HTTP/1.1 431 "));
        let long = format!("GET /ok HTTP/1.1\r\nhost: localhost\r\nx: {}", "y".repeat(70_000));
        assert!(api.send(&long).await.starts_with("HTTP/1.1 431 "));
        let head = format!(
            "POST /echo HTTP/1.1\r\n{}\r\ntransfer-encoding: chunked\r\n\r\n",
            JSON.join("\r\n")
        );
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let answer = api.send(&format!("{head}{}", chunk.repeat(20))).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    })
    .await;
}
