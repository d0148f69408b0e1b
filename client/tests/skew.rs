//! A daemon of another version: what today's client makes of what the first one said, kept for ever,
//! and of words that only a later one will have.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use borealis_proto::Session;
use serde_json::{Value, json};
use support::fake::{Fake, Script};

/// Never to be changed: an old daemon says it.
const FIRST_SESSION: &str = include_str!("../../proto/tests/golden/session.v1.json");
const FIRST_DAEMON: &str = include_str!("../../proto/tests/golden/daemon.v1.json");

fn first() -> (Value, Value) {
    (serde_json::from_str(FIRST_SESSION).unwrap(), serde_json::from_str(FIRST_DAEMON).unwrap())
}

fn daemon_with(session: &Value, daemon: &Value) -> Script {
    let list = json!({"version": 1, "sessions": [session]});
    let id = session["id"].as_str().unwrap();
    Script::with_sessions(&[])
        .on("GET /v1/daemon", 200, daemon)
        .on("GET /v1/sessions", 200, &list)
        .on("POST /v1/sessions", 200, session)
        .on(&format!("DELETE /v1/sessions/{id}"), 200, session)
}

#[test]
fn the_first_daemon_is_understood() {
    let (session, daemon) = first();
    let target = session["target"].as_str().unwrap();
    let fake = Fake::start(daemon_with(&session, &daemon));
    for args in [&["ls"][..], &["status", target], &["up", target], &["daemon", "status"]] {
        let ended = fake.run(args);
        assert_eq!(ended.code, Some(0), "{args:?} {ended:?}");
        assert!(!ended.stderr.contains("warning"), "it speaks what we speak: {ended:?}");
    }
    let ended = fake.run(&["down", target]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
}

#[test]
fn a_later_daemon_is_understood_as_far_as_may_be_and_named_once() {
    let (mut session, mut daemon) = first();
    let target = session["target"].as_str().unwrap().to_owned();
    session["state"] = "hibernating".into();
    session["reason"] =
        json!({"code": "too_cold", "message": "it is too cold", "hint": null, "degrees": -3});
    session["weather"] = json!({"sky": ["blue"]});
    daemon["api"] = 99.into();
    daemon["version"] = "9.0.0".into();
    daemon["moon"] = true.into();
    let fake = Fake::start(daemon_with(&session, &daemon).speaking("99"));
    let ended = fake.run(&["status", &target]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("it is too cold"), "{ended:?}");
    assert_eq!(ended.stderr.matches("borealisctl daemon restart").count(), 1, "{ended:?}");
    let ended = fake.run(&["status", &target, "--json"]);
    let read: Session = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(read.state.to_string(), "unknown");
    for args in [&["ls"][..], &["daemon", "status"], &["down", &target]] {
        let ended = fake.run(args);
        assert_eq!(ended.code, Some(0), "{args:?} {ended:?}");
    }
}

#[test]
fn an_error_of_a_later_daemon_is_shown_as_it_is() {
    let error = json!({"error": {"code": "too_cold", "message": "it is too cold",
        "hint": "borealisctl warm", "degrees": -3}, "request_id": "r", "more": 1});
    let fake = Fake::start(Script::with_sessions(&[]).on("POST /v1/sessions", 418, &error));
    let ended = fake.run(&["up", "sushi/DATABASE"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("it is too cold"), "{ended:?}");
    assert!(ended.stderr.contains("borealisctl warm"), "{ended:?}");
}
