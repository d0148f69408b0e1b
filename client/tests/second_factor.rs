//! Heroku's question for a second factor: who asks it, with what, and what happens without anybody
//! to ask.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use borealis_proto::{
    Column, ErrorBody, ErrorCode, ErrorDetail, QueryEvent, Reason, Session, SessionList,
    SessionState,
};
use support::fake::{Fake, Script};
use support::session;
use support::terminal::{ended_with, on_a_terminal};

const CODE: &str = "123456";

fn asks() -> ErrorDetail {
    ErrorDetail {
        code: ErrorCode::TwoFactorRequired,
        message: "Heroku asks for a second factor".into(),
        hint: Some("type the command at a terminal, where it can ask for the code".into()),
        retryable: false,
        choices: Vec::new(),
    }
}

fn refusal() -> ErrorBody {
    ErrorBody { error: asks(), request_id: "r".into() }
}

/// A session that waits for the answer.
fn blocked() -> Session {
    let ErrorDetail { code, message, hint, .. } = asks();
    let reason = Some(Reason { code, message, hint });
    Session { state: SessionState::Blocked, reason, ..session("sushi", "DATABASE") }
}

/// All that the daemon would ask Heroku for, refused until it has the code.
fn with_second_factor() -> Script {
    let up = session("sushi", "DATABASE");
    let path = format!("/v1/sessions/{}", up.id);
    let in_a_stream = QueryEvent::Error { detail: asks(), server: None };
    let mut script = Script::with_sessions(std::slice::from_ref(&up))
        .on("POST /v1/sessions", 200, &up)
        .on(&format!("POST {path}/refresh"), 200, &up)
        .on(&format!("POST {path}/reconnect"), 200, &up)
        .text("POST /v1/query", &one_true())
        .before_code(CODE, "POST /v1/query", 200, &in_a_stream)
        .before_code(CODE, &format!("POST {path}/refresh"), 401, &refusal())
        .before_code(CODE, &format!("POST {path}/reconnect"), 200, &blocked())
        .before_code(CODE, &format!("GET {path}/credentials"), 401, &refusal());
    for (line, answer) in addon_lines() {
        script = script.on(&line, 200, &answer).before_code(CODE, &line, 401, &refusal());
    }
    script
}

fn info() -> serde_json::Value {
    serde_json::json!({
        "addonName": "hex", "createdAt": "2026-11-01T09:14:03Z", "dbStorageMaxBytes": 1,
        "dbStorageUsageBytes": 0, "dbTenancyType": "isolated", "planName": "x2",
        "postgresVersion": "17", "region": "us-east-1", "replicaQuantity": 0,
        "status": "available", "storageComplianceStatus": "ok"
    })
}

fn login() -> serde_json::Value {
    serde_json::json!({
        "dbHost": "db", "dbPort": 5432, "dbName": "d1", "dbUsername": "di", "dbPassword": "s",
        "sshHost": "ssh", "sshPort": 22, "sshUsername": "di", "publicSshHostKey": "ssh-ed25519 A"
    })
}

fn addon_lines() -> Vec<(String, serde_json::Value)> {
    use serde_json::json;
    let made = json!({"name": "borealis-pg-new-1", "state": "provisioned",
                      "plan": {"name": "borealis-pg:x2"}, "app": {"name": "sushi"}});
    let lines = [
        ("GET ", info()),
        ("POST /integrations", login()),
        (
            "GET /identity",
            json!({"addonName": "hex", "appName": "sushi",
                                 "attachmentName": "DATABASE"}),
        ),
        ("GET /extensions", json!({"extensions": []})),
        ("POST /extensions", json!({"installed": []})),
        ("DELETE /extensions/hstore", json!(null)),
        ("GET /users", json!({"users": []})),
        ("DELETE /users/credentials", json!(null)),
        ("GET /integrations", json!({"integrations": []})),
        ("DELETE /integrations/bi", json!(null)),
        (
            "GET /restore",
            json!({"cloneSupported": true, "restoreSupported": false,
                                "earliestRestorableTime": null, "latestRestorableTime": null}),
        ),
        ("POST /restore", made),
        (
            "GET /upgrade",
            json!({"currentPgMajorVersion": "17", "nextPgMajorVersion": null,
                                "upgradeStatus": "maximum"}),
        ),
        ("POST /upgrade", json!({"currentPgMajorVersion": "15", "targetPgMajorVersion": "16"})),
        ("DELETE /upgrade", json!(null)),
    ];
    let line = |(line, answer): (&str, serde_json::Value)| {
        let (method, below) = line.split_once(' ').unwrap();
        (format!("{method} /v1/addons/sushi{below}"), answer)
    };
    lines.into_iter().map(line).collect()
}

/// What Postgres says to `pg_cancel_backend`.
fn one_true() -> String {
    let column = Column { name: "pg_cancel_backend".into(), type_oid: 16 };
    let events = [
        QueryEvent::Columns { columns: vec![column] },
        QueryEvent::Row { values: vec![Some("t".into())] },
        QueryEvent::Complete { tag: "SELECT 1".into() },
        QueryEvent::Done,
    ];
    events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect()
}

/// What has nothing to ask Heroku for is not in it: `ls`, `status`, `down`, `events`.
const ASK_HEROKU: [&str; 28] = [
    "refresh sushi",
    "reconnect sushi",
    "url sushi",
    "env sushi",
    "export pgpass sushi",
    "run sushi -d select",
    "run sushi -- true",
    "psql sushi --binary-path true",
    "ps sushi",
    "locks sushi",
    "kill sushi 7",
    "info sushi",
    "extensions sushi",
    "extensions install sushi hstore",
    "extensions remove sushi hstore --confirm hex",
    "users sushi",
    "users reset sushi --confirm hex",
    "integrations sushi",
    "integrations register sushi -n bi ssh-ed25519 AAAA",
    "integrations remove sushi bi --confirm hex",
    "restore sushi",
    "restore capabilities sushi",
    "restore execute sushi",
    "restore execute sushi --wait",
    "upgrade sushi",
    "upgrade info sushi",
    "upgrade execute sushi --confirm hex",
    "upgrade cancel sushi --confirm hex",
];

#[test]
fn a_second_factor_is_asked_for_by_whatever_asks_heroku() {
    for line in ASK_HEROKU {
        let fake = Fake::start(with_second_factor());
        let words: Vec<&str> = line.split(' ').collect();
        let mut terminal = on_a_terminal(&fake, &words);
        let asked = terminal.exp_string("Heroku asks for your two-factor code:");
        assert!(asked.is_ok(), "{line}: {asked:?}");
        terminal.send_line("123 456").unwrap();
        let rest = terminal.exp_eof().unwrap();
        let status = format!("{:?}", terminal.process().wait().unwrap());
        assert!(status.ends_with(", 0)"), "{line}: {status} {rest}");
        let codes = fake.asked().into_iter().filter_map(|asked| asked.second_factor);
        assert_eq!(codes.collect::<Vec<_>>(), [CODE], "{line}: handed over once");
    }
}

#[test]
fn without_a_terminal_the_second_factor_is_said_and_nothing_is_tried_twice() {
    for line in ASK_HEROKU {
        let fake = Fake::start(with_second_factor());
        let ended = fake.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(ended.code, Some(5), "{line}: {ended:?}");
        let said = "Heroku asks for a second factor\nhint: type the command at a terminal";
        assert!(ended.stderr.contains(said), "{line}: {ended:?}");
        let mut asked = fake.asked_lines();
        asked.retain(|line| line != "GET /v1/sessions");
        let all = asked.len();
        asked.dedup();
        assert_eq!(asked.len(), all, "{line}: {asked:?}");
    }
}

#[test]
fn who_waits_is_asked_and_waits_on() {
    let list = |sessions| SessionList { version: 1, sessions };
    let script = Script::with_sessions(&[session("sushi", "DATABASE")]).before_code(
        CODE,
        "GET /v1/sessions",
        200,
        &list(vec![blocked()]),
    );
    let fake = Fake::start(script);
    let mut terminal = on_a_terminal(&fake, &["wait", "sushi"]);
    terminal.exp_string("Heroku asks for your two-factor code:").unwrap();
    terminal.send_line(CODE).unwrap();
    terminal.exp_string("sushi/DATABASE  read-only  up").unwrap();
    terminal.exp_eof().unwrap();
    ended_with(&terminal, 0);
}

#[test]
fn who_has_no_code_gets_the_error() {
    let fake = Fake::start(with_second_factor());
    let mut terminal = on_a_terminal(&fake, &["users", "sushi"]);
    terminal.exp_string("Heroku asks for your two-factor code:").unwrap();
    terminal.send("\u{1b}").unwrap();
    terminal.flush().unwrap();
    terminal.exp_string("Heroku asks for a second factor").unwrap();
    terminal.exp_eof().unwrap();
    ended_with(&terminal, 5);
}
