//! What looks at, uses and closes sessions that are open.

use borealis_client::exit::Code;
use borealis_proto::{
    Access, CredentialKind, ErrorCode, Event, Renewed, Session, SessionId, SessionState,
};

use crate::case::Case;
use crate::refusals::{self, OF_HEROKU, Refusal, STATUS};
use crate::support::fake::Script;
use crate::support::{reconnecting, session};

/// They name one open session, or several.
const OF_ONE: [&str; 10] = [
    "down",
    "wait",
    "reconnect",
    "refresh",
    "url",
    "env",
    "export service",
    "export pgpass",
    "export pgadmin",
    "export dbeaver",
];

const LATE: Refusal = (
    "late",
    ErrorCode::TimedOut,
    "nothing new in time; what was there serves on",
    "try again with a longer --timeout",
);

const NOT_YET: Refusal =
    ("not-yet", ErrorCode::Opening, "the service has not handed out database credentials yet", "");

pub fn sushi() -> Session {
    session("sushi", "DATABASE")
}

fn writer() -> Session {
    Session { access: Access::ReadWrite, id: SessionId::new("writer"), ..sushi() }
}

pub fn blocked_by(refusal: &Refusal) -> Session {
    let (state, reason) = (SessionState::Blocked, Some(refusals::reason(refusal)));
    Session { state, reason, attempt: 1, ..sushi() }
}

fn three() -> Script {
    let udon = session("udon", "DATABASE");
    let blocked = Session { id: udon.id, target: udon.target, ..blocked_by(&OF_HEROKU[0]) };
    Script::with_sessions(&[sushi(), reconnecting("ramen", "ANALYTICS"), blocked])
}

fn both() -> Script {
    Script::with_sessions(&[sushi(), writer()])
}

fn none() -> Script {
    Script::with_sessions(&[])
}

/// A colleague has reset the users, and the attachment leads elsewhere.
fn renewed() -> Script {
    let renewed = Renewed {
        credential: CredentialKind::SshKey,
        at: "2026-11-22T11:02:40Z".parse().unwrap(),
        reason: "the SSH server refused it".into(),
    };
    let moved_to = Some("borealis-pg-hex-00002".into());
    Script::with_sessions(&[Session { renewed: Some(renewed), moved_to, ..sushi() }])
}

/// What only `refresh`, or a decision, helps.
fn waiting_for_a_person() -> Script {
    let refusals: [Refusal; 3] = [
        (
            "ask",
            ErrorCode::RefreshRequired,
            "the SSH key is refused, and is not renewed without your word (renew = \"ask\")",
            "borealisctl refresh sushi/DATABASE",
        ),
        (
            "ceiling",
            ErrorCode::TooManyRenewals,
            "the SSH key was renewed 48 times within a day and is refused again",
            "borealisctl refresh sushi/DATABASE",
        ),
        (
            "moved",
            ErrorCode::TargetMoved,
            "sushi/DATABASE is now borealis-pg-hex-00002",
            "to go there: borealisctl down sushi/DATABASE, then borealisctl up sushi/DATABASE",
        ),
    ];
    Script::with_sessions(&refusals.map(|refusal| blocked_by(&refusal)))
}

/// Nobody has said yet which database and user they are.
fn opening() -> Session {
    let reason = Some(refusals::reason(&NOT_YET));
    let state = SessionState::Opening;
    Session { database: None, user: None, state, reason, ..sushi() }
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new("ls", "text", "", 0, three()),
        Case::new("ls", "json", "--json", 0, three()),
        Case::new("ls", "nothing", "", 0, none()),
        Case::new("ls", "nothing-json", "--json", 0, none()),
        Case::alone("ls", "no-daemon", "", 3),
        Case::new("status", "all", "", 0, three()),
        Case::new("status", "all-json", "--json", 0, three()),
        Case::new("status", "one", "sushi/DATABASE", 0, both()),
        Case::new("status", "one-json", "sushi/DATABASE --json", 0, both()),
        Case::new("status", "writer", "sushi -w", 0, both()),
        Case::new("status", "renewed", "sushi", 0, renewed()),
        Case::new("status", "renewed-json", "sushi --json", 0, renewed()),
        Case::new("ls", "renewed", "", 0, renewed()),
        Case::new("status", "waits-for-a-person", "", 0, waiting_for_a_person()),
        Case::new("ls", "waits-for-a-person", "", 0, waiting_for_a_person()),
        Case::new("status", "nothing", "", 0, none()),
        Case::new("status", "no-writer", "sushi -w", 4, Script::with_sessions(&[sushi()])),
        Case::new("status", "watch", "sushi --watch", 3, events(&[sushi()])),
        Case::new("status", "watch-json", "--watch --json", 3, events(&[sushi()])),
        Case::new("status", "watch-closed", "sushi --watch", 4, closed()),
        Case::alone("status", "no-daemon", "", 3),
        Case::new("events", "the-daemon-ends", "", 3, events(&[sushi()])),
        Case::alone("events", "no-daemon", "", 3),
        Case::new("down", "text", "sushi/DATABASE", 0, both()),
        Case::new("down", "json", "sushi/DATABASE --json", 0, both()),
        Case::new("down", "all", "--all", 0, both()),
        Case::new("down", "nothing", "--all", 0, none()),
        Case::new("down", "one-of-two", "sushi nigiri", 4, both()),
    ];
    for command in OF_ONE {
        cases.extend(named_wrongly(command));
    }
    cases.extend(named_wrongly("status"));
    cases.extend(waiting());
    cases.extend(renewing("reconnect"));
    cases.extend(renewing("refresh"));
    cases.extend(connecting());
    cases
}

/// What any of them says to a target that means none of the open sessions.
fn named_wrongly(command: &'static str) -> Vec<Case> {
    let two = Script::with_sessions(&[sushi(), session("sushi", "BLUE")]);
    vec![
        Case::new(command, "not-open", "nigiri/DATABASE", 4, both()),
        Case::new(command, "no-such-id", "ses_zzzz", 4, both()),
        Case::new(command, "slip-of-the-pen", "sishi/DATABASE", 4, both()),
        Case::new(command, "several", "sushi", 4, two),
        Case::new(command, "no-target-at-all", "a/b/c", 2, both()),
        Case::new(command, "two-apps", "sushi/DATABASE --app maki", 2, both()),
        Case::alone(command, "no-daemon-for-it", "sushi", 3),
    ]
}

fn waiting() -> Vec<Case> {
    let away = Session { next_retry_at: None, ..reconnecting("sushi", "DATABASE") };
    let mut cases = vec![
        Case::new("wait", "text", "sushi", 0, both()),
        Case::new("wait", "json", "sushi --json", 0, both()),
        Case::new("wait", "late", "sushi --timeout 20ms", 8, Script::with_sessions(&[away])),
    ];
    for refusal in blocking() {
        let code = Code::from(refusal.1).number().into();
        let script = Script::with_sessions(&[blocked_by(&refusal)]);
        cases.push(Case::new("wait", refusal.0, "sushi", code, script.clone()));
        let name = format!("{}-json", refusal.0);
        cases.push(Case::new("wait", &name, "sushi --json", code, script));
    }
    cases
}

fn blocking() -> [Refusal; 3] {
    [OF_HEROKU[0], OF_HEROKU[1], refusals::OF_THE_SERVICE[0]]
}

fn renewing(command: &'static str) -> Vec<Case> {
    let line = format!("POST /v1/sessions/{}/{command}", sushi().id);
    let answered = |status: u16, body: &Session| both().on(&line, status, body);
    let refused = |refusal: &Refusal| both().on(&line, STATUS, &refusals::body(refusal));
    let mut cases = vec![
        Case::new(command, "text", "sushi", 0, answered(200, &sushi())),
        Case::new(command, "json", "sushi --json", 0, answered(200, &sushi())),
        Case::new(command, "older-daemon", "sushi", 1, both()),
        Case::new(command, LATE.0, "sushi", 8, refused(&LATE)),
        Case::new(command, "late-json", "sushi --json", 8, refused(&LATE)),
    ];
    for refusal in blocking() {
        let code = Code::from(refusal.1).number().into();
        let blocked = answered(200, &blocked_by(&refusal));
        cases.push(Case::new(command, refusal.0, "sushi", code, blocked));
    }
    cases
}

/// What hands out credentials, or what can be said without them.
fn connecting() -> Vec<Case> {
    let line = format!("GET /v1/sessions/{}/credentials", sushi().id);
    let mut cases = Vec::new();
    let exports = ["export service", "export pgpass", "export pgadmin", "export dbeaver"];
    for command in ["url", "env"].into_iter().chain(exports) {
        cases.push(Case::new(command, "text", "sushi", 0, both()));
        cases.push(Case::new(command, "writer", "sushi -w", 0, both()));
        if !exports.contains(&command) {
            cases.push(Case::new(command, "json", "sushi --json", 0, both()));
        }
        for refusal in [OF_HEROKU[0], OF_HEROKU[1], refusals::OF_THE_SERVICE[0], NOT_YET] {
            let code = Code::from(refusal.1).number().into();
            let script = Script::with_sessions(&[opening()]);
            let script = script.on(&line, STATUS, &refusals::body(&refusal));
            cases.push(Case::new(command, refusal.0, "sushi", code, script));
        }
    }
    cases
}

fn stream(sessions: &[Session], events: &[Event]) -> Script {
    let lines = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
    Script::with_sessions(sessions).text("GET /v1/events", &lines.collect::<String>())
}

/// Its end is the daemon's.
fn events(sessions: &[Session]) -> Script {
    let snapshot = Event::Snapshot { sessions: sessions.to_vec() };
    let away = Session { id: sushi().id, ..reconnecting("sushi", "DATABASE") };
    stream(sessions, &[snapshot, Event::Session { session: Box::new(away) }])
}

fn closed() -> Script {
    let sessions = [sushi()];
    let snapshot = Event::Snapshot { sessions: sessions.to_vec() };
    stream(&sessions, &[snapshot, Event::Closed { id: sushi().id }])
}
