//! The built program against a daemon that only knows its lines: arguments, environment, output,
//! exit codes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use std::os::unix::net::UnixListener;

use borealis_proto::{
    Access, ErrorBody, ErrorCode, ErrorDetail, Reason, Session, SessionId, SessionState,
};
use support::fake::{Fake, Script, command, script};
use support::{reconnecting, session};

fn refusal(code: ErrorCode) -> ErrorBody {
    let hint = Some("type this next".to_owned());
    let error = ErrorDetail {
        code,
        message: "it is refused".into(),
        hint,
        retryable: false,
        choices: Vec::new(),
    };
    ErrorBody { error, request_id: "r1".into() }
}

fn both_accesses() -> Vec<Session> {
    let reader = session("sushi", "DATABASE");
    let writer = Session { access: Access::ReadWrite, id: SessionId::new("w"), ..reader.clone() };
    vec![reader, writer]
}

#[test]
fn ls_is_an_array() {
    let fake = Fake::start(Script::with_sessions(&both_accesses()));
    let ended = fake.run(&["ls", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let sessions: Vec<Session> = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(sessions, both_accesses());
    assert_eq!(ended.stderr, "");
}

#[test]
fn up_says_where_and_how() {
    let up = session("sushi", "DATABASE");
    let fake = Fake::start(Script::with_sessions(&[]).on("POST /v1/sessions", 201, &up));
    let ended = fake.run(&["up", "sushi/DATABASE", "--timeout", "2s", "-p", "15873"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "sushi/DATABASE  read-only  up  127.0.0.1:15873\n");
    assert!(ended.stderr.contains("borealisctl psql sushi/DATABASE"), "{ended:?}");
    let asked = fake.asked().pop().unwrap();
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    let wish = serde_json::json!({
        "target": "sushi/DATABASE", "access": "read-only", "port": 15873, "wait_ms": 2000
    });
    assert_eq!(body, wish);
}

#[test]
fn up_that_is_not_up_ends_with_the_reasons_code() {
    let blocked = Session {
        state: SessionState::Blocked,
        reason: Some(Reason {
            code: ErrorCode::LoginRequired,
            message: "no Heroku login".into(),
            hint: Some("heroku login".into()),
        }),
        ..session("sushi", "DATABASE")
    };
    for (answer, code) in [(blocked, 5), (reconnecting("sushi", "DATABASE"), 8)] {
        let fake = Fake::start(Script::with_sessions(&[]).on("POST /v1/sessions", 201, &answer));
        let ended = fake.run(&["up", "sushi/DATABASE"]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let reason = answer.reason.unwrap();
        let said = format!("{}\nhint: {}", reason.message, reason.hint.unwrap());
        assert!(ended.stderr.contains(&said), "{ended:?}");
    }
}

#[test]
fn up_of_several_does_all_and_ends_with_the_first_failure() {
    let script =
        Script::with_sessions(&[]).on("POST /v1/sessions", 409, &refusal(ErrorCode::PortTaken));
    let fake = Fake::start(script);
    let ended = fake.run(&["up", "sushi", "maki", "--json"]);
    assert_eq!(ended.code, Some(7), "{ended:?}");
    assert_eq!(ended.stdout, "[]\n");
    assert_eq!(ended.stderr.matches("error: it is refused\nhint: type this next\n").count(), 2);
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn the_key_goes_to_the_daemon_only_with_what_opens() {
    let up = session("sushi", "DATABASE");
    let script = Script::with_sessions(std::slice::from_ref(&up));
    let fake = Fake::start(script.on("POST /v1/sessions", 200, &up));
    for args in [["up", "sushi"], ["url", "sushi"]] {
        let status = fake.command(&args).env("HEROKU_API_KEY", "key-1").output().unwrap().status;
        assert!(status.success());
    }
    for asked in fake.asked() {
        let expected = (asked.line == "POST /v1/sessions").then_some("key-1");
        assert_eq!(asked.heroku_key.as_deref(), expected, "{}", asked.line);
    }
}

#[test]
fn a_target_that_is_not_open_gets_a_proposal() {
    let fake = Fake::start(Script::with_sessions(&both_accesses()));
    let ended = fake.run(&["status", "sishi/DATABASE"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("did you mean sushi/DATABASE?"), "{ended:?}");
    let ended = fake.run(&["url", "okonomiyaki/DATABASE"]);
    assert!(ended.stderr.contains("borealisctl up okonomiyaki/DATABASE"), "{ended:?}");
}

#[test]
fn an_app_with_several_add_ons_is_asked_back() {
    let sessions = [session("sushi", "DATABASE"), session("sushi", "BLUE")];
    let fake = Fake::start(Script::with_sessions(&sessions));
    let ended = fake.run(&["status", "sushi"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("sushi/BLUE, sushi/DATABASE"), "{ended:?}");
}

#[test]
fn w_means_the_writer_and_its_absence_the_reader() {
    let fake = Fake::start(Script::with_sessions(&both_accesses()));
    let access = |args: &[&str]| {
        let ended = fake.run(args);
        serde_json::from_str::<Session>(&ended.stdout).unwrap().access
    };
    assert_eq!(access(&["status", "sushi", "--json"]), Access::ReadOnly);
    assert_eq!(access(&["status", "sushi", "--json", "-w"]), Access::ReadWrite);
    let only_writer = Fake::start(Script::with_sessions(&both_accesses()[1..]));
    let ended = only_writer.run(&["status", "sushi", "--json"]);
    assert!(ended.stdout.contains("read-write"), "{ended:?}");
    let only_reader = Fake::start(Script::with_sessions(&both_accesses()[..1]));
    assert_eq!(only_reader.run(&["down", "sushi", "-w"]).code, Some(4));
}

#[test]
fn down_closes_both_accesses_and_w_only_the_writer() {
    let fake = Fake::start(Script::with_sessions(&both_accesses()));
    let ended = fake.run(&["down", "sushi/DATABASE"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 2, "{ended:?}");
    assert!(ended.stdout.contains("sushi/DATABASE  read-only  closed"), "{ended:?}");
    let fake = Fake::start(Script::with_sessions(&both_accesses()));
    fake.run(&["down", "sushi/DATABASE", "-w"]);
    assert_eq!(fake.asked_lines(), ["GET /v1/sessions", "DELETE /v1/sessions/ses_w"]);
}

#[test]
fn url_and_env_are_encoded_and_quoted() {
    let fake = Fake::start(Script::with_sessions(&[session("sushi", "DATABASE")]));
    let url = fake.run(&["url", "-a", "sushi", "-o", "DATABASE_URL"]).stdout;
    assert_eq!(url, "postgres://p_ro_ab12:it%27s%2Fp%40ss@127.0.0.1:15873/d%201\n");
    let env = fake.run(&["env", "sushi"]).stdout;
    assert!(env.contains(r"export PGPASSWORD='it'\''s/p@ss'"), "{env}");
    let json = fake.run(&["env", "sushi", "--json"]).stdout;
    let variables: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(variables["PGDATABASE"], "d 1");
    assert_eq!(variables["DATABASE_URL"], url.trim_end());
}

#[test]
fn wait_ends_with_its_patience() {
    let mut waiting = reconnecting("sushi", "DATABASE");
    waiting.next_retry_at = None;
    let fake = Fake::start(Script::with_sessions(&[waiting]));
    let ended = fake.run(&["wait", "sushi", "--timeout", "50ms"]);
    assert_eq!(ended.code, Some(8), "{ended:?}");
    assert_eq!(ended.stdout, "sushi/DATABASE  read-only  reconnecting  127.0.0.1:15873\n");
}

#[test]
fn another_version_of_the_api_is_a_warning_and_no_more() {
    let fake = Fake::start(Script::with_sessions(&[session("sushi", "DATABASE")]).speaking("2"));
    let ended = fake.run(&["url", "sushi"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr.matches("warning:").count(), 1, "{ended:?}");
}

#[test]
fn an_older_daemon_is_to_be_restarted() {
    let fake = Fake::start(Script::with_sessions(&[session("sushi", "DATABASE")]));
    let ended = fake.run(&["reconnect", "sushi"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("borealisctl daemon restart"), "{ended:?}");
}

#[test]
fn a_daemon_that_does_not_start_is_shown_with_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = script(dir.path().join("daemon"), "echo 'the disk is full' >&2; exit 1");
    let output = command(dir.path(), &["ls"]).env("BOREALISD", daemon).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("the disk is full"), "{stderr}");
    assert!(stderr.contains(dir.path().join("borealisd.sock").to_str().unwrap()), "{stderr}");
}

#[test]
fn a_daemon_that_does_not_run_is_started_only_by_what_needs_it() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| command(dir.path(), args).output().unwrap().status.code();
    assert_eq!(run(&["daemon", "stop"]), Some(0));
    assert_eq!(run(&["daemon", "status"]), Some(3));
    assert!(!dir.path().join("borealisd.start.log").exists());
    assert_eq!(run(&["ls"]), Some(3));
    assert!(dir.path().join("borealisd.start.log").exists());
}

/// A daemon that was just killed: for a moment its socket still takes connections.
#[test]
fn a_daemon_that_hangs_up_is_at_its_end_and_is_stopped_and_restarted_all_the_same() {
    for (args, code, told) in [
        (["daemon", "stop"], 0, "borealisd is not running"),
        (["daemon", "restart"], 3, "/nonexistent/borealisd"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let dying = UnixListener::bind(dir.path().join("borealisd.sock")).unwrap();
        let end = std::thread::spawn(move || (0..3).for_each(|_| drop(dying.accept().unwrap())));
        let output = command(dir.path(), &args).output().unwrap();
        end.join().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(told), "{args:?}: {stderr}");
    }
}

#[test]
fn a_settings_file_that_is_wrong_is_named() {
    let fake = Fake::start(Script::with_sessions(&[]));
    std::fs::write(fake.dir().join("config.toml"), "sokcet = 1").unwrap();
    let ended = fake.run(&["ls"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("config.toml"), "{ended:?}");
}
