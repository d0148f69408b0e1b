//! The built program with something in the foreground: psql, a shell, a query, a tunnel. The daemon
//! only knows its lines.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use borealis_proto::{
    Access, Column, ErrorCode, ErrorDetail, Event, QueryEvent, Reason, ServerMessage, Session,
    SessionState, Severity,
};
use rustix::process::{Pid, Signal, kill_process};
use support::fake::{Ended, Fake, Script, script};
use support::{reconnecting, session};

#[test]
fn psql_gets_everything_but_no_password_in_its_arguments() {
    let up = Session { ephemeral: true, ..session("sushi", "DATABASE") };
    let script_ = Script::with_sessions(std::slice::from_ref(&up));
    let fake = Fake::start(script_.on("POST /v1/sessions", 201, &up));
    let psql = script(
        fake.dir().join("psql"),
        r#"printf '%s\n' "$@"; echo "$PGUSER $PGPASSWORD $PGHOST:$PGPORT $PGDATABASE"; echo "$PSQL_HISTORY$PGSERVICE"; exit 42"#,
    );
    let mut command = fake.command(&["psql", "sushi", "-b", psql.to_str().unwrap()]);
    let output = command.args(["--", "-c", "select 1"]).env("PGSERVICE", "other").output().unwrap();
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    let history = fake.dir().join("psql_history/sushi");
    let expected = format!(
        "--set\nPROMPT1=sushi::DATABASE%R%# \n--set\nPROMPT2=sushi::DATABASE%R%# \n-c\nselect 1\n\
         p_ro_ab12 it's/p@ss 127.0.0.1:15873 d 1\n{}\n",
        history.display()
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert!(fake.asked_lines().contains(&format!("GET /v1/sessions/{}/hold", up.id)));
}

#[test]
fn a_missing_psql_is_said_before_anything_is_opened() {
    let fake = Fake::start(Script::with_sessions(&[]));
    let ended = fake.run(&["psql", "sushi", "-b", "/nonexistent/psql"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("hint: install it"), "{ended:?}");
    assert!(fake.asked().is_empty());
}

#[test]
fn run_ends_as_its_child_does() {
    let up = session("sushi", "DATABASE");
    let script = Script::with_sessions(std::slice::from_ref(&up));
    let fake = Fake::start(script.on("POST /v1/sessions", 200, &up));
    for (shell, code) in [("exit 0", 0), ("exit 9", 9), ("kill -TERM $$", 143), ("kill -9 $$", 137)]
    {
        assert_eq!(fake.run(&["run", "sushi", "-e", shell]).code, Some(code), "{shell}");
    }
    let ended = fake.run(&["run", "sushi", "--", "printenv", "DATABASE_URL"]);
    assert!(ended.stdout.starts_with("postgres://p_ro_ab12:it%27s"), "{ended:?}");
    assert_eq!(fake.run(&["run", "sushi", "--", "/nonexistent/program"]).code, Some(1));
    let asked = fake.asked();
    let open = asked.iter().find(|asked| asked.line == "POST /v1/sessions").unwrap();
    assert!(open.body.contains(r#""identity":"application""#), "{}", open.body);
}

fn answering(events: &[QueryEvent]) -> Fake {
    let up = session("sushi", "DATABASE");
    let lines = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
    let script = Script::with_sessions(std::slice::from_ref(&up))
        .on("POST /v1/sessions", 200, &up)
        .text("POST /v1/query", &lines.collect::<String>());
    Fake::start(script)
}

fn message(severity: Severity, text: &str) -> ServerMessage {
    let (detail, hint, context) = (None, None, None);
    let code = "42P01".to_owned();
    ServerMessage { severity, code, message: text.into(), detail, hint, position: Some(8), context }
}

fn one_row() -> Vec<QueryEvent> {
    vec![
        QueryEvent::Complete { tag: "CREATE TABLE".into() },
        QueryEvent::Notice { notice: message(Severity::Notice, "listen") },
        QueryEvent::Columns { columns: vec![Column { name: "n".into(), type_oid: 23 }] },
        QueryEvent::Row { values: vec![Some("7".into())] },
        QueryEvent::Complete { tag: "SELECT 1".into() },
        QueryEvent::Done,
    ]
}

#[test]
fn run_prints_results_on_stdout_and_notices_on_stderr() {
    let fake = answering(&one_row());
    let table = fake.run(&["run", "sushi", "-d", "select 7"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    assert_eq!(table.stdout, "CREATE TABLE\n n \n---\n 7\n(1 row)\n\n");
    assert_eq!(table.stderr, "NOTICE:  listen\n");
    let json = fake.run(&["run", "sushi", "-d", "select 7", "-f", "ndjson"]);
    assert_eq!(json.stdout, "{\"n\":7}\n");
    assert_eq!(json.stderr, "CREATE TABLE\nNOTICE:  listen\n");
}

#[test]
fn sql_from_a_file_goes_out_whole() {
    let fake = answering(&one_row());
    let file = fake.dir().join("q.sql");
    std::fs::write(&file, "select 7;\n-- ü\n").unwrap();
    assert_eq!(fake.run(&["run", "sushi", "-i", file.to_str().unwrap()]).code, Some(0));
    let query = fake.asked().into_iter().find(|asked| asked.line == "POST /v1/query").unwrap();
    assert!(query.body.contains(r#""sql":"select 7;\n-- ü\n""#), "{}", query.body);
    assert_eq!(fake.run(&["run", "sushi", "-i", "/nonexistent.sql"]).code, Some(1));
}

#[test]
fn sql_that_fails_shows_the_place_and_ends_with_1() {
    let detail = ErrorDetail {
        code: ErrorCode::QueryFailed,
        message: "Postgres refuses the query".into(),
        hint: None,
        retryable: false,
        choices: Vec::new(),
    };
    let server = Some(message(Severity::Error, "relation \"nope\" does not exist"));
    let fake = answering(&[QueryEvent::Error { detail, server }]);
    let ended = fake.run(&["run", "sushi", "-d", "select nope"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected = "error: 42P01: relation \"nope\" does not exist\n\
                    LINE 1: select nope\n\
                    \x20              ^\n";
    assert_eq!(ended.stderr, expected);
}

#[test]
fn rows_that_stop_without_an_end_are_a_failure() {
    let mut cut = one_row();
    cut.pop();
    let ended = answering(&cut).run(&["run", "sushi", "-d", "select 7", "-f", "csv"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "n\n7\n");
    assert!(ended.stderr.contains("the answer ended early"), "{ended:?}");
}

#[test]
fn a_reader_that_leaves_ends_run_quietly() {
    let mut events = one_row();
    let row = QueryEvent::Row { values: vec![Some("7".repeat(1000))] };
    events.splice(3..3, std::iter::repeat_n(row, 2000));
    let fake = answering(&events);
    let mut command = fake.command(&["run", "sushi", "-d", "select 7", "-f", "csv"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    // As SIGPIPE would have it: what was not done yet is undone, and `set -o pipefail` hears of it.
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "CREATE TABLE\nNOTICE:  listen\n");
}

#[test]
fn ctrl_c_ends_a_query() {
    let up = session("sushi", "DATABASE");
    let script = Script::with_sessions(std::slice::from_ref(&up))
        .on("POST /v1/sessions", 200, &up)
        .open_ended("POST /v1/query", "");
    let fake = Fake::start(script);
    let child = fake.command(&["run", "sushi", "-d", "select 7"]).spawn().unwrap();
    fake.wait_for("POST /v1/query");
    signal(&child, Signal::INT);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// A tunnel on a session, ended by SIGTERM once it has said what the events say.
fn tunnel(up: &Session, event: &Event, until: &str) -> (Ended, Vec<String>) {
    let snapshot = Event::Snapshot { sessions: vec![up.clone()] };
    let lines = [&snapshot, event].map(|event| serde_json::to_string(event).unwrap() + "\n\n");
    let script = Script::with_sessions(std::slice::from_ref(up))
        .on("POST /v1/sessions", 201, up)
        .open_ended("GET /v1/events", &lines.concat());
    let fake = Fake::start(script);
    let mut command = fake.command(&["tunnel", "sushi/DATABASE", "-p", "15873"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains(until) {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended early: {said}");
    }
    signal(&child, Signal::TERM);
    stderr.read_to_string(&mut said).unwrap();
    let mut ended = Ended::from(child.wait_with_output().unwrap());
    ended.stderr = said;
    (ended, fake.asked_lines())
}

#[test]
fn tunnel_tells_changes_and_goes_down_with_its_own_session() {
    let up = Session { ephemeral: true, ..session("sushi", "DATABASE") };
    let lost = Box::new(reconnecting("sushi", "DATABASE"));
    let (ended, asked) = tunnel(&up, &Event::Session { session: lost }, "hint: check your network");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "sushi/DATABASE  read-only  up  127.0.0.1:15873\n");
    let told = "sushi/DATABASE is reconnecting: the SSH server cannot be reached";
    assert!(ended.stderr.contains(told), "{ended:?}");
    assert!(asked.contains(&format!("GET /v1/sessions/{}/hold", up.id)));
    assert_eq!(asked.last(), Some(&format!("DELETE /v1/sessions/{}", up.id)));
}

#[test]
fn tunnel_leaves_a_session_that_was_there_before() {
    let up = session("sushi", "DATABASE");
    let lost = Box::new(reconnecting("sushi", "DATABASE"));
    let (ended, asked) = tunnel(&up, &Event::Session { session: lost }, "is reconnecting");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("close it: borealisctl down sushi/DATABASE"), "{ended:?}");
    assert!(!asked.iter().any(|line| line.starts_with("DELETE")), "{asked:?}");
}

/// The session goes with its command: a hint to wait for it would be one to wait for nothing.
#[test]
fn what_is_refused_to_a_session_that_goes_away_gets_a_hint_that_works() {
    let up = |flag| format!("borealisctl up sushi/DATABASE{flag} --timeout 10m");
    let table = [
        (ErrorCode::Provisioning, up("")),
        (ErrorCode::Upgrading, up("")),
        (ErrorCode::AccessRevoked, "free storage or choose a larger plan, then try again".into()),
        (ErrorCode::HostKeyChanged, "confirms the new key; then try again".into()),
        (ErrorCode::LoginRequired, "as the daemon says".into()),
    ];
    for (code, hint) in table {
        let reason = Some(Reason {
            code,
            message: "it is refused".into(),
            hint: Some("as the daemon says".into()),
        });
        let (ephemeral, state) = (true, SessionState::Blocked);
        let blocked = Session { ephemeral, state, reason, ..session("sushi", "DATABASE") };
        let script = Script::with_sessions(std::slice::from_ref(&blocked));
        let fake = Fake::start(script.on("POST /v1/sessions", 201, &blocked));
        for args in [&["psql", "sushi", "-b", "true"][..], &["run", "sushi", "-d", "select"]] {
            let ended = fake.run(args);
            assert!(ended.stderr.contains(&hint), "{code:?}: {ended:?}");
            assert!(!ended.stderr.contains("borealisctl wait"), "{ended:?}");
        }
    }
    let writer = Session {
        access: Access::ReadWrite,
        ephemeral: true,
        reason: Some(Reason { code: ErrorCode::Upgrading, message: "m".into(), hint: None }),
        ..reconnecting("sushi", "DATABASE")
    };
    let fake = Fake::start(Script::with_sessions(std::slice::from_ref(&writer)).on(
        "POST /v1/sessions",
        201,
        &Session { state: SessionState::Blocked, ..writer.clone() },
    ));
    let ended = fake.run(&["psql", "sushi", "-w", "-b", "true"]);
    assert!(ended.stderr.contains(&up(" --write-access")), "{ended:?}");
}
