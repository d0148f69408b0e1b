//! `ls`: a line a session, and below the line of one that is not up why, and what comes next.

use borealis_proto::Session;
use comfy_table::{Cell, ContentArrangement, Table, presets};
use jiff::{Timestamp, tz::TimeZone};
use textwrap::Options;

use super::{access, address, next_try, style, wrong_way_first};
use crate::output::Look;
use crate::output::human::{self, Clock};

const INDENT: &str = "    ";

/// A terminal that is narrower than this gets long lines: a word a line helps nobody.
const NARROWEST: u16 = 40;

/// All sessions, what went the wrong way first.
#[must_use]
pub fn table(sessions: &[Session], now: Timestamp, look: Look) -> String {
    let sessions = wrong_way_first(sessions);
    // Addresses are for copying: no line of the table is ever broken.
    let rows = table_lines(&sessions, now);
    let mut text = String::new();
    let mut rows = rows.iter().map(|row| row.trim_end());
    text.extend(rows.next().map(|header| format!("{header}\n")));
    for (session, row) in sessions.iter().zip(rows) {
        text.push_str(&coloured(session, row, look));
        text.push('\n');
        for line in below(session, now) {
            text.push_str(&indented(&line, look));
            text.push('\n');
        }
    }
    text
}

fn table_lines(sessions: &[&Session], now: Timestamp) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["STATE", "TARGET", "ACCESS", "ADDRESS", "SINCE"]);
    for session in sessions {
        table.add_row([
            Cell::new(session.state),
            Cell::new(&session.target),
            Cell::new(access(session)),
            Cell::new(address(session)),
            Cell::new(format!("{} ago", human::span(session.since, now))),
        ]);
    }
    for column in table.column_iter_mut() {
        // The first column starts the line.
        column.set_padding((0, 2));
    }
    table.lines().collect()
}

/// The state stands first, so that a glance down the edge is enough.
fn coloured(session: &Session, row: &str, look: Look) -> String {
    let state = session.state.to_string();
    match row.strip_prefix(&state) {
        Some(rest) if look.colour => {
            let style = style(session.state);
            format!("{style}{state}{style:#}{rest}")
        }
        Some(_) | None => row.to_owned(),
    }
}

fn below(session: &Session, now: Timestamp) -> Vec<String> {
    let clock = Clock::at(now, TimeZone::UTC);
    let reason = session.reason.as_ref();
    let why = reason.map(|reason| reason.message.clone());
    let next = next_try(session, &clock).map(|when| format!("next try {when}"));
    let hint = reason.and_then(|reason| reason.hint.as_ref()).map(|hint| format!("hint: {hint}"));
    [why, next, hint].into_iter().flatten().collect()
}

/// Below a line, and as wide as the terminal.
pub(super) fn indented(line: &str, look: Look) -> String {
    match look.width.filter(|width| *width >= NARROWEST) {
        Some(width) => {
            let options =
                Options::new(width.into()).initial_indent(INDENT).subsequent_indent(INDENT);
            textwrap::fill(line, options)
        }
        None => format!("{INDENT}{line}"),
    }
}
