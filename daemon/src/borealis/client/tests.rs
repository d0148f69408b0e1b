use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use borealis_proto::ErrorCode;

use super::*;
use crate::fault::Fault;
use crate::http::test_server::{reply, serve};

const ADDON: &str = "borealis-pg-hex-12345";

fn token() -> Secret<String> {
    Secret::new("canary-token".to_owned())
}

/// A client of a service that always gives one answer.
async fn answering(
    status: u16,
    headers: &'static [(&str, &str)],
    body: &'static str,
) -> (Borealis, impl Sized) {
    let router = Router::new().fallback(async move || reply(status, headers, body));
    let (base, server) = serve(router).await;
    (Borealis::new(http::client(&[&base]).unwrap(), base), server)
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    let secs = Duration::from_secs;
    let blocked = |recheck| Fault::Blocked { recheck };
    let paced = |first, ceiling| Fault::Paced { first: secs(first), ceiling: secs(ceiling) };
    let table = [
        (401, blocked(None), ErrorCode::LoginRequired),
        (403, blocked(Some(secs(900))), ErrorCode::AccessRevoked),
        (404, Fault::Missing, ErrorCode::TargetNotFound),
        (422, paced(30, 150), ErrorCode::Provisioning),
        (423, paced(150, 150), ErrorCode::Upgrading),
        (429, paced(7, 7), ErrorCode::RateLimited),
        (500, Fault::Transient, ErrorCode::ServiceUnavailable),
        (503, Fault::Transient, ErrorCode::ServiceUnavailable),
        (400, Fault::Transient, ErrorCode::ServiceMisbehaved),
        (418, Fault::Transient, ErrorCode::ServiceMisbehaved),
    ];
    for (status, fault, code) in table {
        let body = r#"{"reason":"so \u001b[1mit is"}"#;
        let (borealis, _server) = answering(status, &[("retry-after", "7")], body).await;
        let error = borealis.personal_ssh_user(ADDON, &token()).await.unwrap_err();
        let failure = error.failure();
        assert_eq!((failure.fault, failure.reason.code), (fault, code), "{status}");
        let message = failure.reason.message;
        assert!(message.contains(ADDON), "{status}: {message}");
        assert!(message.contains(r"so \u{1b}[1mit is"), "{status}: {message}");
        assert!(!format!("{error:?}").contains("canary"), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn without_retry_after_it_waits_a_minute() {
    let (borealis, _server) = answering(429, &[], "").await;
    let error = borealis.personal_db_user(ADDON, &token(), false).await.unwrap_err();
    let minute = Duration::from_secs(60);
    assert_eq!(error.failure().fault, Fault::Paced { first: minute, ceiling: minute });
}

#[tokio::test]
async fn a_portals_page_is_not_an_answer() {
    let (borealis, _server) = answering(200, &[], "<html>pay for the Wi-Fi</html>").await;
    let failure = borealis.personal_db_user(ADDON, &token(), false).await.unwrap_err().failure();
    assert_eq!(failure.fault, Fault::Transient);
    assert_eq!(failure.reason.code, ErrorCode::ServiceMisbehaved);
    assert!(failure.reason.message.contains("proxy"), "{failure:?}");
}

#[tokio::test]
async fn users_come_with_the_usual_ports_if_none_is_named() {
    let body = r#"{"sshHost":"h","sshUsername":"u","sshPrivateKey":"canary",
        "publicSshHostKey":"ssh-ed25519 AAAA","new":1}"#;
    let (borealis, _server) = answering(200, &[], body).await;
    let ssh = borealis.personal_ssh_user(ADDON, &token()).await.unwrap();
    assert_eq!((ssh.host.as_str(), ssh.port(), ssh.user.as_str()), ("h", 22, "u"));
    assert_eq!((ssh.private_key.expose().as_str(), &*ssh.host_key), ("canary", "ssh-ed25519 AAAA"));
    assert!(!format!("{ssh:?}").contains("canary"));

    let body =
        r#"{"dbHost":"h","dbPort":null,"dbName":"d","dbUsername":"u","dbPassword":"canary"}"#;
    let (borealis, _server) = answering(200, &[], body).await;
    let db = borealis.personal_db_user(ADDON, &token(), true).await.unwrap();
    assert_eq!((&*db.host, db.port(), &*db.database, &*db.user), ("h", 5432, "d", "u"));
    assert!(!format!("{db:?}").contains("canary"));
}

#[tokio::test]
async fn the_request_is_as_described() {
    // The port of the answer tells that the request was as it should be.
    let check = async |request: Request| {
        let header = |name: &str, headers: &HeaderMap| headers.get(name).cloned().unwrap();
        let (parts, body) = request.into_parts();
        assert_eq!(parts.method, "POST");
        assert_eq!(
            parts.uri.to_string(),
            format!("/v1/heroku/resources/{ADDON}/personal-db-users")
        );
        assert_eq!(header("authorization", &parts.headers), "Bearer canary-token");
        assert_eq!(header("content-type", &parts.headers), "application/json");
        let user_agent = header("user-agent", &parts.headers);
        assert!(user_agent.to_str().unwrap().starts_with("borealisd/"));
        let body = axum::body::to_bytes(body, 1000).await.unwrap();
        assert_eq!(body, r#"{"enableWriteAccess":true}"#);
        let user = r#"{"dbHost":"h","dbPort":7,"dbName":"d","dbUsername":"u","dbPassword":"p"}"#;
        reply(200, &[], user)
    };
    let (base, _server) = serve(Router::new().fallback(check)).await;
    let borealis = Borealis::new(http::client(&[&base]).unwrap(), base.join("v1").unwrap());
    assert_eq!(borealis.personal_db_user(ADDON, &token(), true).await.unwrap().port(), 7);
}
