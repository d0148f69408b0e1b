//! What people and programs read, compared with plain files.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use borealis_client::cli::Format;
use borealis_client::output::human::Clock;
use borealis_client::output::{Detail, Look, rows, text};
use borealis_proto::{
    Access, Check, Column, DaemonInfo, ErrorCode, Health, Identity, Reason, Session, SessionState,
};
use jiff::{Timestamp, tz::TimeZone};
use support::{assert_golden, reconnecting, session};

fn now() -> Timestamp {
    "2026-11-22T12:26:12Z".parse().unwrap()
}

fn some_sessions() -> Vec<Session> {
    let writer = Session { access: Access::ReadWrite, ..session("sushi", "DATABASE") };
    let of_a_run =
        Session { identity: Identity::Application, ephemeral: true, ..session("maki", "DATABASE") };
    let ramen = reconnecting("ramen", "ANALYTICS");
    vec![of_a_run, session("sushi", "DATABASE"), writer, ramen, blocked()]
}

fn blocked() -> Session {
    Session {
        state: SessionState::Blocked,
        reason: Some(Reason {
            code: ErrorCode::LoginRequired,
            message: "no Heroku login is found".into(),
            hint: Some("log in with `heroku login`".into()),
        }),
        attempt: 1,
        ..session("udon", "DATABASE")
    }
}

const PLAIN: Look = Look { width: None, colour: false };

#[test]
fn ls() {
    assert_golden("ls.txt", &text::table(&some_sessions(), now(), PLAIN));
}

#[test]
fn ls_on_a_narrow_terminal_breaks_lines_and_not_words() {
    let narrow = Look { width: Some(50), colour: false };
    let table = text::table(&some_sessions(), now(), narrow);
    let below = table.lines().filter(|line| line.starts_with(' '));
    assert!(below.clone().all(|line| line.chars().count() <= 50), "{table}");
    assert!(below.count() > 6, "{table}");
    assert_golden("ls-narrow.txt", &table);
}

#[test]
fn colour_only_where_it_is_wanted() {
    let colourful = Look { width: None, colour: true };
    assert_golden("ls-coloured.txt", &text::table(&some_sessions(), now(), colourful));
    let clock = Clock::at(now(), TimeZone::UTC);
    let depth = |look| text::depth(&blocked(), &clock, Detail::WithTraffic, look);
    assert!(
        depth(colourful).contains("\u{1b}[31mblocked") || depth(colourful).contains("\u{1b}[1m")
    );
    assert!(!depth(PLAIN).contains('\u{1b}'));
}

#[test]
fn status() {
    let clock = Clock::at(now(), TimeZone::UTC);
    assert_golden("status.txt", &depths(&clock, Detail::WithTraffic));
}

#[test]
fn status_that_stays_on_the_screen() {
    let still = depths(&Clock::still(TimeZone::UTC), Detail::OfEvents);
    assert_golden("status-watch.txt", &still);
    assert!(!still.contains("ago"), "{still}");
}

fn depths(clock: &Clock, detail: Detail) -> String {
    let sessions = [session("sushi", "DATABASE"), reconnecting("ramen", "ANALYTICS"), blocked()];
    let depth = |session: &Session| text::depth(session, clock, detail, PLAIN);
    sessions.iter().map(depth).collect::<Vec<_>>().join("\n")
}

#[test]
fn up() {
    assert_eq!(
        text::line(&session("sushi", "DATABASE")),
        "sushi/DATABASE  read-only  up  127.0.0.1:15873\n"
    );
}

#[test]
fn daemon_status() {
    let info = DaemonInfo {
        replaced: false,
        passfile: None,
        version: "0.1.0".into(),
        api: 1,
        pid: 4711,
        started_at: "2026-11-22T09:14:03Z".parse().unwrap(),
        uptime_seconds: 11_529,
        socket: "/run/user/1000/borealis/borealisd.sock".into(),
        state_file: "/home/me/.local/state/borealis/sessions.json".into(),
        log: "journal".into(),
        health: Health {
            sessions: 3,
            up: 2,
            tasks: 17,
            notices: vec!["the state file was not readable and was moved aside".into()],
        },
    };
    assert_golden("daemon-status.txt", &text::daemon(&info));
}

/// Each verdict has its colour, hints and proofs are as wide as the terminal, and the end of a log
/// stays in shape.
#[test]
fn doctor() {
    let reason = Reason {
        code: ErrorCode::DatabaseUnreachable,
        message: "sushi/DATABASE read-only is up, but its path does not work".into(),
        hint: Some("borealisctl reconnect sushi/DATABASE; if that does not help: more".into()),
    };
    let proved_at = "2026-11-22T12:25:12Z".parse().ok();
    let checks = [
        Check::ok("login", "the Heroku login is in netrc"),
        Check { proved_at, ..Check::ok("session", "maki/DATABASE read-only is up") },
        Check::warning("clock", "90 seconds ahead").or_hint("set it"),
        Check { proved_at, ..Check::because("session", reason) },
        Check::problem("daemon", "borealisd ended\n    1 | sokcet = 1\n      | ^^^^^^")
            .or_hint("h"),
    ];
    let clock = Clock::at(now(), TimeZone::UTC);
    assert_golden("doctor.txt", &text::checks(&checks, &clock, PLAIN));
    let coloured = Look { width: Some(50), colour: true };
    assert_golden("doctor-coloured.txt", &text::checks(&checks, &clock, coloured));
}

#[test]
fn session_as_json() {
    let json = serde_json::to_string_pretty(&session("sushi", "DATABASE")).unwrap();
    assert_golden("session.json", &format!("{json}\n"));
}

#[test]
fn rows_in_every_format() {
    let table = [
        (Format::Table, "rows-table.txt"),
        (Format::Csv, "rows.csv"),
        (Format::Json, "rows.json"),
        (Format::Ndjson, "rows.ndjson"),
        (Format::Yaml, "rows.yaml"),
    ];
    for (format, golden) in table {
        assert_golden(golden, &written(format));
    }
}

/// Two results, the second without rows.
fn written(format: Format) -> String {
    let shared = Shared::default();
    let mut rows = rows::writer(format, shared.clone());
    let columns = [("id", 20), ("name", 25), ("price", 1700), ("fresh", 16), ("more", 3802)];
    rows.columns(columns.map(|(name, oid)| column(name, oid)).into()).unwrap();
    let value = |text: &str| Some(text.to_owned());
    rows.row(vec![value("1"), value("鉄火巻"), value("12.50"), value("t"), None]).unwrap();
    rows.row(vec![value("20"), value(""), None, value("f"), value("{\"a\": [1, null]}")]).unwrap();
    let name = value("two\nlines, \"quoted\"\tand \u{1b}[31mred");
    rows.row(vec![value("9007199254740993"), name, value("NaN"), None, value("\"x\"")]).unwrap();
    rows.end("SELECT 3").unwrap();
    rows.columns(vec![column("n", 23), column("n", 23)]).unwrap();
    rows.end("INSERT 0 0").unwrap();
    rows.flush().unwrap();
    String::from_utf8(shared.0.take()).unwrap()
}

fn column(name: &str, type_oid: u32) -> Column {
    Column { name: name.into(), type_oid }
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
