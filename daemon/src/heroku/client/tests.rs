use std::sync::Mutex;

use axum::Router;
use axum::extract::Request;
use borealis_proto::ErrorCode;

use super::*;
use crate::fault::Fault;
use crate::http::test_server::{reply, serve};

fn login(key: &str) -> Arc<Login> {
    Arc::new(Login::new(Some(Secret::new(key.to_owned())), Vec::new()))
}

/// A client of a Heroku that always gives one answer.
async fn answering(status: u16, body: &'static str) -> (Heroku, impl Sized) {
    let router = Router::new().fallback(async move || reply(status, &[("retry-after", "7")], body));
    let (base, server) = serve(router).await;
    (Heroku::new(http::client(&[&base]).unwrap(), base, login("canary")), server)
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    let pause = std::time::Duration::from_secs(7);
    let blocked = Fault::Blocked { recheck: None };
    let two_factor = r#"{"id":"two_factor","message":"A second factor is required"}"#;
    let other = r#"{"id":"other","message":"so it is"}"#;
    let table = [
        (401, other, blocked, ErrorCode::LoginRequired),
        (403, two_factor, blocked, ErrorCode::TwoFactorRequired),
        (403, other, blocked, ErrorCode::LoginRequired),
        (404, other, Fault::Missing, ErrorCode::TargetNotFound),
        (429, other, Fault::Paced { first: pause, ceiling: pause }, ErrorCode::RateLimited),
        (500, other, Fault::Transient, ErrorCode::ServiceUnavailable),
        (422, other, Fault::Transient, ErrorCode::Refused),
        (201, "<html>", Fault::Transient, ErrorCode::ServiceMisbehaved),
        (201, "{}", Fault::Transient, ErrorCode::ServiceMisbehaved),
    ];
    for (status, body, fault, code) in table {
        let (heroku, _server) = answering(status, body).await;
        let error = heroku.authorize().await.unwrap_err();
        let failure = error.failure();
        assert_eq!((failure.fault, failure.reason.code), (fault, code), "{status} {body}");
        assert_eq!(
            failure.reason.hint.is_some(),
            matches!(status, 401 | 403 | 404),
            "{status} {body}: a person is told what to do exactly if there is something to do"
        );
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn without_a_login_nobody_is_asked() {
    let nowhere = "http://127.0.0.1:1/".parse().unwrap();
    let login = Arc::new(Login::new(None, Vec::new()));
    let heroku = Heroku::new(http::client(&[&nowhere]).unwrap(), nowhere, login);
    let failure = heroku.authorize().await.unwrap_err().failure();
    assert_eq!(failure.reason.code, ErrorCode::LoginRequired);
    assert_eq!(failure.reason.hint.as_deref(), Some("log in with `heroku login`"));
}

#[tokio::test]
async fn an_authorization_that_is_gone_is_as_good_as_revoked() {
    let authorization = || Authorization {
        id: "auth-1".into(),
        token: Secret::new("t".into()),
        login: Secret::new("l".into()),
    };
    for (status, good) in [(200, true), (404, true), (500, false)] {
        let (heroku, _server) = answering(status, "{}").await;
        assert_eq!(heroku.revoke(&authorization()).await.is_ok(), good, "{status}");
    }
}

#[tokio::test]
async fn the_requests_are_as_described_and_who_made_an_authorization_revokes_it() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    let router = Router::new().fallback(async move |request: Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1000).await.unwrap();
        let header = |name: &str| parts.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("accept"), "application/vnd.heroku+json; version=3");
        assert!(header("user-agent").starts_with("borealisd/"));
        assert_eq!(header("request-id").len(), 36);
        let body = String::from_utf8(body.to_vec()).unwrap();
        let line = format!("{} {} {}", parts.method, parts.uri, header("authorization"));
        note.lock().unwrap().push((line, body));
        reply(201, &[], r#"{"id":"auth-1","access_token":{"token":"canary-t","x":1}}"#)
    });
    let (base, _server) = serve(router).await;
    let login = login("first");
    let heroku = Heroku::new(http::client(&[&base]).unwrap(), base, login.clone());

    let authorization = heroku.authorize().await.unwrap();
    login.hand_over(Secret::new("second".to_owned()));
    heroku.revoke(&authorization).await.unwrap();

    assert!(!format!("{authorization:?}").contains("canary"));
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].0, "POST /oauth/authorizations Bearer first");
    let body: Value = serde_json::from_str(&seen[0].1).unwrap();
    assert_eq!((&body["expires_in"], &body["scope"]), (&json!(180), &json!(["read", "identity"])));
    assert_eq!(seen[1].0, "DELETE /oauth/authorizations/auth-1 Bearer first");
}

#[tokio::test]
async fn config_vars_come_as_secrets() {
    let (heroku, _server) = answering(200, r#"{"A":"canary"}"#).await;
    let vars = heroku.config_vars("sushi").await.unwrap();
    assert_eq!(vars["A"].expose(), "canary");
    assert!(!format!("{vars:?}").contains("canary"));
}
