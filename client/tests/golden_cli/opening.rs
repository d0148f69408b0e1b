//! What opens a session, for good or for as long as it runs.

use borealis_client::exit::Code;
use borealis_proto::{
    Column, ErrorCode, ErrorDetail, Event, QueryEvent, Reason, ServerMessage, Session,
    SessionState, Severity,
};

use crate::case::Case;
use crate::looking::{blocked_by, sushi};
use crate::refusals::{self, OF_HEROKU, OF_THE_SERVICE, Refusal, STATUS};
use crate::support::fake::Script;
use crate::support::reconnecting;

/// With what follows the target.
const OPENING: [(&str, &str); 7] = [
    ("up", "sushi"),
    ("tunnel", "sushi"),
    ("psql", "sushi --binary-path echo"),
    ("run", "sushi -d select"),
    ("ps", "sushi"),
    ("locks", "sushi"),
    ("kill", "sushi 4711"),
];

const PORT: Refusal = (
    "port-taken",
    ErrorCode::PortTaken,
    "port 5432 on 127.0.0.1 is taken",
    "name another one with --port, or leave it out",
);

const OTHER_PORT: Refusal = (
    "other-port",
    ErrorCode::BadRequest,
    "sushi/DATABASE is open on port 15873 already; to move it to 5432, close it first: borealisctl \
     down ses_sushi8",
    "",
);

const HOST_KEY: Refusal = (
    "host-key",
    ErrorCode::HostKeyChanged,
    "the SSH server's host key is not the announced one",
    "do not go on before the add-on's support confirms the new key; then: borealisctl refresh TARGET",
);

const CONFIG_VAR: Refusal = (
    "config-var",
    ErrorCode::ConnInfoInvalid,
    "app sushi has no config var DATABASE_TUNNEL_BPG_CONN_INFO",
    "",
);

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (command, rest) in OPENING {
        for refusal in OF_HEROKU {
            cases.push(refused(command, rest, &refusal));
        }
        for refusal in [OF_HEROKU[0], OF_THE_SERVICE[0], OF_THE_SERVICE[3], HOST_KEY, CONFIG_VAR] {
            cases.push(not_up(command, rest, &format!("blocked-{}", refusal.0), &refusal));
        }
        for refusal in [OF_THE_SERVICE[1], OF_THE_SERVICE[2]] {
            cases.push(not_up(command, rest, refusal.0, &refusal));
        }
        cases.push(Case::alone(command, "no-daemon", rest, 3));
    }
    for (command, rest) in &OPENING[..4] {
        let rest = format!("{rest} --port 5432");
        cases.push(refused(command, &rest, &PORT));
        cases.push(refused(command, &rest, &OTHER_PORT));
    }
    cases.extend(up());
    cases.extend(programs());
    cases.extend(queries());
    cases.extend(backends());
    cases
}

fn opened() -> Script {
    Script::with_sessions(&[sushi()]).on("POST /v1/sessions", 200, &sushi())
}

fn opened_unsaved() -> Script {
    let message = "what is open now would not be so after a restart: cannot write the state file \
                   /home/me/.local/state/borealis/sessions.json: No space left on device";
    let unsaved = Reason {
        code: ErrorCode::NotSaved,
        message: message.to_owned(),
        hint: Some("make room, or mend it: df -h /home/me/.local/state/borealis".to_owned()),
    };
    let session = Session { unsaved: Some(unsaved), ..sushi() };
    Script::with_sessions(&[]).on("POST /v1/sessions", 201, &session)
}

fn refused(command: &'static str, rest: &str, refusal: &Refusal) -> Case {
    let body = refusals::body(refusal);
    let script = Script::with_sessions(&[]).on("POST /v1/sessions", STATUS, &body);
    let code = Code::from(refusal.1).number().into();
    Case::new(command, refusal.0, rest, code, script)
}

/// `up` leaves it behind; with the others it goes.
fn not_up(command: &'static str, rest: &str, name: &str, refusal: &Refusal) -> Case {
    let mut session = Session { ephemeral: command != "up", ..blocked_by(refusal) };
    if !name.starts_with("blocked") {
        // The service's pace: nobody waits for the next try.
        session.state = SessionState::Opening;
        session.next_retry_at = Some("2199-01-01T00:00:00Z".parse().unwrap());
    }
    let script = Script::with_sessions(std::slice::from_ref(&session));
    let code = Code::of_session(&session).number().into();
    Case::new(command, name, rest, code, script.on("POST /v1/sessions", 201, &session))
}

fn up() -> Vec<Case> {
    let late = Session { state: SessionState::Opening, ..reconnecting("sushi", "DATABASE") };
    let late = Script::with_sessions(&[]).on("POST /v1/sessions", 201, &late);
    let no =
        Script::with_sessions(&[]).on("POST /v1/sessions", STATUS, &refusals::body(&OF_HEROKU[0]));
    vec![
        Case::new("up", "text", "sushi/DATABASE", 0, opened()),
        Case::new("up", "unsaved", "sushi/DATABASE", 0, opened_unsaved()),
        Case::new("up", "json", "sushi/DATABASE --json", 0, opened()),
        Case::new("up", "several-json", "sushi maki --json", 0, opened()),
        Case::new("up", "refused-json", "sushi --json", 5, no),
        Case::new("up", "late", "sushi", 8, late.clone()),
        Case::new("up", "late-json", "sushi --json", 8, late),
        Case::new("up", "port-of-two", "sushi maki --port 5432", 2, opened()),
        Case::new("up", "no-target", "", 4, opened()),
    ]
}

fn programs() -> Vec<Case> {
    let closed = {
        let snapshot = Event::Snapshot { sessions: vec![sushi()] };
        let events = [snapshot, Event::Closed { id: sushi().id }];
        let lines = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
        opened().text("GET /v1/events", &lines.collect::<String>())
    };
    let stopped = opened().text("GET /v1/events", "");
    vec![
        Case::new("tunnel", "closed", "sushi", 0, closed),
        Case::new("tunnel", "the-daemon-ends", "sushi", 3, stopped),
        Case::new("psql", "arguments", "sushi --binary-path echo -- -c select", 0, opened()),
        Case::new("psql", "as-it-ends", "sushi --binary-path false", 1, opened()),
        Case::new("psql", "no-psql", "sushi --binary-path /nonexistent/psql", 1, opened()),
        Case::new("run", "program", "sushi -- printenv PGUSER PGPORT", 0, opened()),
        Case::new("run", "no-program", "sushi -- /nonexistent/program", 1, opened()),
        Case::new("run", "no-file", "sushi -i /nonexistent.sql", 1, opened()),
        Case::new(
            "run",
            "not-both",
            "sushi -d select --single-transaction --on-error continue",
            2,
            opened(),
        ),
    ]
}

fn answering(events: &[QueryEvent]) -> Script {
    let lines = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
    opened().text("POST /v1/query", &lines.collect::<String>())
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

fn said(severity: Severity, code: &str, message: &str) -> ServerMessage {
    ServerMessage {
        severity,
        code: code.into(),
        message: message.into(),
        detail: Some("more of it".into()),
        hint: Some("what to do".into()),
        position: Some(8),
        context: None,
    }
}

/// Postgres says no.
fn refusal(code: &str, message: &str) -> QueryEvent {
    let detail = ErrorDetail {
        code: ErrorCode::QueryFailed,
        message: message.into(),
        hint: None,
        retryable: false,
        choices: Vec::new(),
    };
    QueryEvent::Error { detail, server: Some(said(Severity::Error, code, message)) }
}

/// Nobody could be asked.
fn unreached() -> QueryEvent {
    let refusal = (
        "unreached",
        ErrorCode::DatabaseUnreachable,
        "Postgres cannot be reached",
        "the tunnel is up and Postgres behind it is not: borealisctl info",
    );
    QueryEvent::Error { detail: refusals::body(&refusal).error, server: None }
}

fn queries() -> Vec<Case> {
    let notice = QueryEvent::Notice { notice: said(Severity::Notice, "00000", "listen") };
    let row = result(&[("n", 23), ("price", 1700)], &[Some("7"), None]);
    let all = [vec![notice, QueryEvent::Complete { tag: "CREATE TABLE".into() }], row.clone()];
    let mut cases = Vec::new();
    for format in ["table", "csv", "json", "ndjson", "yaml"] {
        let line = format!("sushi -d select -f {format}");
        cases.push(Case::new("run", format, &line, 0, answering(&all.concat())));
        let refused = [&row[..2], &[refusal("42P01", "relation \"nope\" does not exist")]].concat();
        let name = format!("{format}-refused");
        cases.push(Case::new("run", &name, &line, 1, answering(&refused)));
    }
    let line = "sushi -d select --on-error continue";
    let goes_on = [vec![refusal("22012", "division by zero")], row.clone()].concat();
    cases.push(Case::new("run", "goes-on", line, 1, answering(&goes_on)));
    cases.push(Case::new("run", "unreached", "sushi -d select", 1, answering(&[unreached()])));
    cases.push(Case::new("run", "cut", "sushi -d select", 1, answering(&row[..2])));
    cases
}

/// What Postgres is asked about itself.
fn backends() -> Vec<Case> {
    let ps = result(
        &[("pid", 23), ("state", 25), ("source", 25), ("username", 19), ("query", 25)],
        &[Some("4711"), Some("active"), Some("web.1"), Some("app_rw_1"), Some("select 1")],
    );
    let locks = result(
        &[("pid", 23), ("relname", 19), ("transactionid", 28), ("granted", 16)],
        &[Some("4711"), Some("rolls"), None, Some("t")],
    );
    let killed = |found| result(&[("pg_cancel_backend", 16)], &[Some(found)]);
    let denied = [refusal("42501", "must be a member of the role whose query is being canceled")];
    let mut cases = vec![
        Case::new("kill", "text", "sushi 4711", 0, answering(&killed("t"))),
        Case::new("kill", "json", "sushi 4711 --json", 0, answering(&killed("t"))),
        Case::new("kill", "no-such", "sushi 4711", 1, answering(&killed("f"))),
        Case::new("kill", "no-such-json", "sushi 4711 --json", 1, answering(&killed("f"))),
        Case::new("kill", "no-number", "sushi one", 2, opened()),
    ];
    for (command, rest, rows) in [("ps", "sushi", ps), ("locks", "sushi", locks)] {
        cases.push(Case::new(command, "text", rest, 0, answering(&rows)));
        cases.push(Case::new(command, "json", "sushi --json", 0, answering(&rows)));
    }
    for (command, rest) in &OPENING[4..] {
        cases.push(Case::new(command, "refused", rest, 1, answering(&denied)));
        cases.push(Case::new(command, "unreached", rest, 1, answering(&[unreached()])));
    }
    cases
}
