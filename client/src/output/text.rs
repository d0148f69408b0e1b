//! Sessions and the daemon, for people.

use std::fmt::Write;

use borealis_proto::{DaemonInfo, Identity, Session, SessionState};
use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use jiff::{Timestamp, tz::TimeZone};

use super::{Look, human};

/// The number of the column that says why a session is not up.
const WHY: usize = 5;

/// `sushi/DATABASE  read-only  up  127.0.0.1:15873`
#[must_use]
pub fn line(session: &Session) -> String {
    line_with(session, &session.state.to_string())
}

/// The same with another word for its state, `closed` for one.
#[must_use]
pub fn line_with(session: &Session, state: &str) -> String {
    let Session { target, access, .. } = session;
    format!("{target}  {access}  {state}  {}\n", address(session))
}

/// `ls`.
#[must_use]
pub fn table(sessions: &[Session], now: Timestamp, look: Look) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = look.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    if look.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(["TARGET", "ACCESS", "STATE", "ADDRESS", "SINCE", "WHY"]);
    for session in sessions {
        table.add_row(row(session, now));
    }
    for column in table.column_iter_mut() {
        // The first column starts the line.
        column.set_padding((0, 2));
        // Addresses are for copying: only the last column, the why, may be broken.
        if column.index < WHY {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

fn row(session: &Session, now: Timestamp) -> Vec<Cell> {
    let state = Cell::new(session.state);
    let state = match colour(session.state) {
        Some(colour) => state.fg(colour),
        None => state,
    };
    let why = session.reason.as_ref().map_or("", |reason| reason.message.as_str());
    vec![
        Cell::new(&session.target),
        Cell::new(access(session)),
        state,
        Cell::new(address(session)),
        Cell::new(human::span(session.since, now)),
        Cell::new(why),
    ]
}

fn colour(state: SessionState) -> Option<Color> {
    match state {
        SessionState::Up => Some(Color::Green),
        SessionState::Opening | SessionState::Reconnecting => Some(Color::Yellow),
        SessionState::Blocked => Some(Color::Red),
        SessionState::Closing | SessionState::Unknown => None,
    }
}

/// `status`: one session in depth.
#[must_use]
pub fn depth(session: &Session, now: Timestamp, zone: &TimeZone) -> String {
    let mut text = format!("{}  {}  {}\n", session.target, access(session), session.state);
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // A String takes everything.
            let _infallible = writeln!(text, "  {name:<12} {value}");
        }
    };
    let reason = session.reason.as_ref();
    field("why", reason.map(|reason| reason.message.clone()));
    field("hint", reason.and_then(|reason| reason.hint.clone()));
    field("since", Some(ago(session.since, now, zone)));
    field("next try", next_try(session, now));
    field("address", Some(address(session)));
    field("socket", session.endpoint.socket.clone());
    field("database", session.database.clone());
    field("user", session.user.clone());
    field("connections", Some(connections(session)));
    field("bytes", Some(traffic(session)));
    field("last proof", session.proved_at.map(|at| ago(at, now, zone)));
    field("add-on", Some(session.addon.clone()));
    field("id", Some(session.id.to_string()));
    text
}

/// `daemon status`.
#[must_use]
pub fn daemon(info: &DaemonInfo) -> String {
    let DaemonInfo { version, api, pid, health, .. } = info;
    let mut text = format!(
        "borealisd {version}  pid {pid}  up for {uptime}\n  \
         sessions     {sessions}, {up} up\n  \
         api          {api}\n  \
         socket       {socket}\n  \
         state file   {state_file}\n  \
         log          {log}\n",
        uptime = human::seconds_span(info.uptime_seconds),
        sessions = health.sessions,
        up = health.up,
        socket = info.socket,
        state_file = info.state_file,
        log = info.log,
    );
    for notice in &health.notices {
        let _infallible = writeln!(text, "  notice       {notice}");
    }
    text
}

fn access(session: &Session) -> String {
    let of_the_app = if session.identity == Identity::Application { ", app" } else { "" };
    let while_held = if session.ephemeral { ", held" } else { "" };
    format!("{}{of_the_app}{while_held}", session.access)
}

fn address(session: &Session) -> String {
    format!("{}:{}", session.endpoint.host, session.endpoint.port)
}

fn ago(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone()).strftime("%F %T");
    format!("{local} ({} ago)", human::span(at, now))
}

fn next_try(session: &Session, now: Timestamp) -> Option<String> {
    let when = match (session.state, session.next_retry_at) {
        (SessionState::Up | SessionState::Closing, _) => return None,
        (_, Some(at)) => format!("in {}", human::span(now, at)),
        (SessionState::Blocked, None) => {
            format!("when you ask: borealisctl reconnect {}", session.target)
        }
        (SessionState::Opening | SessionState::Reconnecting | SessionState::Unknown, None) => {
            "under way".to_owned()
        }
    };
    Some(match session.attempt {
        0 => when,
        1 => format!("{when} (1 try failed)"),
        attempt => format!("{when} ({attempt} tries failed)"),
    })
}

fn connections(session: &Session) -> String {
    let connections = session.connections;
    format!(
        "{} open, {} waiting, {} since the daemon started",
        connections.open, connections.waiting, connections.total
    )
}

fn traffic(session: &Session) -> String {
    let (sent, received) = (human::bytes(session.bytes.sent), human::bytes(session.bytes.received));
    format!("{sent} to Postgres, {received} from it")
}
