//! Sessions and the daemon, for people.

mod checks;
mod depth;
mod glance;

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use borealis_proto::{DaemonInfo, ErrorCode, Identity, Session, SessionState};

use super::human;
use super::human::Clock;

pub use checks::checks;
pub use depth::depth;
pub use glance::table;

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

/// What needs a person first, then what mends itself, then what is well; each as it came.
#[must_use]
pub fn wrong_way_first(sessions: &[Session]) -> Vec<&Session> {
    let mut sorted: Vec<&Session> = sessions.iter().collect();
    sorted.sort_by_key(|session| match session.state {
        SessionState::Blocked => 0,
        SessionState::Reconnecting => 1,
        SessionState::Opening => 2,
        SessionState::Unknown => 3,
        // Whoever uses it fails.
        SessionState::Up if session.reason.is_some() => 4,
        SessionState::Closing => 5,
        SessionState::Up => 6,
    });
    sorted
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
    if info.replaced {
        text.push_str(
            "  replaced     another borealisd was installed: borealisctl daemon restart\n",
        );
    }
    for notice in &health.notices {
        // A String takes everything.
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

fn style(state: SessionState) -> Style {
    match state {
        SessionState::Up => AnsiColor::Green.on_default(),
        SessionState::Opening | SessionState::Reconnecting => AnsiColor::Yellow.on_default(),
        SessionState::Blocked => AnsiColor::Red.on_default().bold(),
        SessionState::Closing | SessionState::Unknown => Style::new(),
    }
}

/// When a session that is not up is tried next; nothing for one that is up or leaves.
fn next_try(session: &Session, clock: &Clock) -> Option<String> {
    let when = match (session.state, session.next_retry_at) {
        (SessionState::Up | SessionState::Closing, _) => return None,
        (_, Some(at)) => clock.future(at),
        (SessionState::Blocked, None) => {
            let verb = match session.reason.as_ref().map(|reason| reason.code) {
                // Its hint says what there is to decide.
                Some(ErrorCode::TargetMoved) => return None,
                Some(ErrorCode::RefreshRequired | ErrorCode::TooManyRenewals) => "refresh",
                Some(_) | None => "reconnect",
            };
            let write = session.access.flag();
            format!("when you ask: borealisctl {verb} {}{write}", session.target)
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
