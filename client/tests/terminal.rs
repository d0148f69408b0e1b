//! What is different on a terminal: a list to choose from, and a text that is drawn again.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use borealis_proto::{Event, Session};
use rexpect::session::spawn_command;
use support::fake::{Fake, Script};
use support::terminal::{PATIENCE_MS, ended_with, on_a_terminal};
use support::{reconnecting, session};

fn two_of_ramen() -> Script {
    Script::with_sessions(&[session("ramen", "ARCHIVE"), session("ramen", "DATABASE")])
}

#[test]
fn several_add_ons_are_a_list_to_choose_from() {
    let fake = Fake::start(two_of_ramen());
    let mut terminal = on_a_terminal(&fake, &["status", "ramen"]);
    terminal.exp_string("Which one?").unwrap();
    terminal.exp_string("ramen/DATABASE").unwrap();
    terminal.send("\u{1b}[B\r").unwrap();
    terminal.flush().unwrap();
    terminal.exp_string("ramen/DATABASE  read-only").unwrap();
    terminal.exp_eof().unwrap();
    ended_with(&terminal, 0);
}

#[test]
fn who_does_not_choose_gets_the_error_with_the_list() {
    let fake = Fake::start(two_of_ramen());
    let mut terminal = on_a_terminal(&fake, &["status", "ramen"]);
    terminal.exp_string("Which one?").unwrap();
    terminal.send("\u{1b}").unwrap();
    terminal.flush().unwrap();
    terminal.exp_string("name one of them: ramen/ARCHIVE, ramen/DATABASE").unwrap();
    terminal.exp_eof().unwrap();
    ended_with(&terminal, 4);
}

#[test]
fn watch_draws_in_place() {
    let up = session("sushi", "DATABASE");
    let away = Session { id: up.id.clone(), ..reconnecting("sushi", "DATABASE") };
    let events = [
        Event::Snapshot { sessions: vec![up.clone()] },
        Event::Session { session: Box::new(away) },
    ];
    let lines = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
    let script = Script::with_sessions(&[up]);
    let fake = Fake::start(script.open_ended("GET /v1/events", &lines.collect::<String>()));
    let mut terminal = on_a_terminal(&fake, &["status", "sushi", "--watch"]);
    terminal.exp_string("\u{1b}[32mup").unwrap();
    let first = terminal.exp_string("\u{1b}[J").unwrap();
    let rows = first.matches('\n').count();
    assert!(first.ends_with(&format!("\u{1b}[{rows}A\r")), "back over {rows} rows: {first:?}");
    terminal.exp_string("\u{1b}[33mreconnecting").unwrap();
    terminal.exp_string("at ").unwrap();
    terminal.send_control('c').unwrap();
    terminal.exp_eof().unwrap();
}

#[test]
fn no_color_is_heard() {
    let fake = Fake::start(Script::with_sessions(&[reconnecting("sushi", "DATABASE")]));
    let with = |no_color: Option<&str>| {
        let mut command = fake.command(&["ls"]);
        command.env("TERM", "xterm-256color");
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        spawn_command(command, Some(PATIENCE_MS)).unwrap().exp_eof().unwrap()
    };
    assert!(with(None).contains("\u{1b}[33mreconnecting"));
    assert!(!with(Some("1")).contains('\u{1b}'));
}
