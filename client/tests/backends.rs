//! `ps`, `locks` and `kill` against a daemon that only knows its lines.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use borealis_proto::{Column, ErrorCode, ErrorDetail, QueryEvent, ServerMessage, Severity};
use support::fake::{Fake, Script};
use support::session;

fn answering(events: &[QueryEvent]) -> Fake {
    let up = session("sushi", "DATABASE");
    let lines = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
    let script = Script::with_sessions(std::slice::from_ref(&up))
        .on("POST /v1/sessions", 200, &up)
        .text("POST /v1/query", &lines.collect::<String>());
    Fake::start(script)
}

fn result(columns: &[(&str, u32)], values: &[Option<&str>]) -> Vec<QueryEvent> {
    let column = |&(name, type_oid): &(&str, u32)| Column { name: name.into(), type_oid };
    vec![
        QueryEvent::Columns { columns: columns.iter().map(column).collect() },
        QueryEvent::Row { values: values.iter().map(|value| value.map(str::to_owned)).collect() },
        QueryEvent::Complete { tag: "SELECT 1".into() },
        QueryEvent::Done,
    ]
}

#[test]
fn kill_ends_as_postgres_says() {
    for (said, code) in [("t", 0), ("f", 1)] {
        let fake = answering(&result(&[("pg_cancel_backend", 16)], &[Some(said)]));
        let ended = fake.run(&["kill", "--app", "sushi", "4711"]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let query = fake.asked().into_iter().find(|asked| asked.line == "POST /v1/query").unwrap();
        assert!(query.body.contains("select pg_cancel_backend(4711)"), "{}", query.body);
    }
}

#[test]
fn kill_tries_the_writer_where_the_reader_may_not() {
    let server = ServerMessage {
        severity: Severity::Error,
        code: "42501".into(),
        message: "must be a member of the role".into(),
        detail: None,
        hint: None,
        position: None,
        context: None,
    };
    let detail = ErrorDetail {
        code: ErrorCode::QueryFailed,
        message: server.message.clone(),
        ..ErrorDetail::clone(&refusal())
    };
    let fake = answering(&[QueryEvent::Error { detail, server: Some(server) }]);
    let ended = fake.run(&["kill", "sushi", "4711", "--force"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stderr, "error: 42501: must be a member of the role\n");
    let opened: Vec<String> = fake
        .asked()
        .into_iter()
        .filter(|asked| asked.line == "POST /v1/sessions")
        .map(|asked| asked.body)
        .collect();
    assert!(opened[0].contains("read-only") && opened[1].contains("read-write"), "{opened:?}");
}

fn refusal() -> ErrorDetail {
    serde_json::from_str(r#"{"code":"query_failed","message":"m"}"#).unwrap()
}

#[test]
fn what_is_no_pid_is_wrong_usage() {
    let fake = answering(&[]);
    for args in [&["kill", "sushi", "one"][..], &["kill", "sushi"], &["kill"]] {
        assert_eq!(fake.run(args).code, Some(2), "{args:?}");
    }
    assert!(fake.asked().is_empty());
}
