//! What is said beside the result, on stderr: `error:` with what happened, `hint:` with what to
//! type next, and progress. A stderr that cannot be written leaves nobody to tell.

use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};

use anstyle::{AnsiColor, Style};
use borealis_proto::Session;

use crate::Error;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

const DETAIL: Style = Style::new().dimmed();

/// How much is said beside the result. One program, one person: it is set once, from the command
/// line, and stands for the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Nothing that is not an error: somebody else's program shows what we say.
    Silent,
    /// Warnings and errors.
    Quiet,
    /// Notes, hints and progress as well.
    Normal,
    /// Also what is done: requests, their ids and times.
    Verbose,
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Normal as u8);

/// Says from now on this much.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Whether as much as this is said.
#[must_use]
pub fn says(level: Level) -> bool {
    LEVEL.load(Ordering::Relaxed) >= level as u8
}

/// One line, as it is.
pub fn note(text: &str) {
    if says(Level::Normal) {
        say(text);
    }
}

/// What is done, for those who asked for it.
pub fn detail(text: impl FnOnce() -> String) {
    if says(Level::Verbose) {
        say(&format!("{DETAIL}{}{DETAIL:#}", text()));
    }
}

/// `warning: …`
pub fn warning(text: &str) {
    if says(Level::Quiet) {
        labelled(WARNING, "warning", text);
    }
}

/// Of sessions that work, and would be others after a restart: once, the cause is the same.
pub fn unsaved<'a>(sessions: impl IntoIterator<Item = &'a Session>) {
    let Some(reason) = sessions.into_iter().find_map(|session| session.unsaved.as_ref()) else {
        return;
    };
    warning(&reason.message);
    if let Some(text) = &reason.hint {
        hint(text);
    }
}

/// `hint: …`
pub fn hint(text: &str) {
    if says(Level::Normal) {
        labelled(HINT, "hint", text);
    }
}

/// `error: …`
pub fn error(text: &str) {
    labelled(ERROR, "error", text);
}

/// `error: …` and, where there is one, `hint: …`.
pub fn failure(failed: &Error) {
    error(&failed.to_string());
    if let Some(text) = failed.hint() {
        labelled(HINT, "hint", &text);
    }
}

fn labelled(style: Style, label: &str, text: &str) {
    say(&format!("{style}{label}:{style:#} {text}"));
}

fn say(text: &str) {
    let _nobody_to_tell = writeln!(anstream::stderr(), "{text}");
}
