//! `status`: one session, all that is known of it.

use std::fmt::Write;

use borealis_proto::{Renewed, Session};

use super::{access, address, next_try, style};
use crate::output::human::{self, Clock};
use crate::output::{Detail, Look};

/// A headline, and a line a field.
#[must_use]
pub fn depth(session: &Session, clock: &Clock, detail: Detail, look: Look) -> String {
    let mut text = headline(session, look);
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // A String takes everything.
            let _infallible = writeln!(text, "  {name:<12} {value}");
        }
    };
    let reason = session.reason.as_ref();
    field("why", reason.map(|reason| reason.message.clone()));
    field("hint", reason.and_then(|reason| reason.hint.clone()));
    field("not saved", session.unsaved.as_ref().map(|reason| reason.message.clone()));
    field("since", Some(clock.past(session.since)));
    field("next try", next_try(session, clock));
    field("renewed", session.renewed.as_ref().map(|renewed| renewal(renewed, clock)));
    field("moved", session.moved_to.as_ref().map(|addon| moved(session, addon)));
    field("address", Some(address(session)));
    field("socket", session.endpoint.socket.clone());
    field("database", session.database.clone());
    field("user", session.user.clone());
    if detail == Detail::WithTraffic {
        field("connections", Some(connections(session)));
        field("bytes", Some(traffic(session)));
        field("last proof", session.proved_at.map(|at| clock.past(at)));
    }
    field("add-on", Some(session.addon.clone()));
    field("id", Some(session.id.to_string()));
    text
}

fn headline(session: &Session, look: Look) -> String {
    let style = if look.colour { style(session.state) } else { anstyle::Style::new() };
    let Session { target, state, .. } = session;
    format!("{target}  {}  {style}{state}{style:#}\n", access(session))
}

fn renewal(renewed: &Renewed, clock: &Clock) -> String {
    let Renewed { credential, at, reason } = renewed;
    format!("{credential}, because {reason}: {}", clock.past(*at))
}

fn moved(session: &Session, addon: &str) -> String {
    let Session { target, addon: stays, .. } = session;
    let write = session.access.flag();
    format!(
        "{target} is now {addon}; this session stays with {stays} until borealisctl down \
         {target}{write}"
    )
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
