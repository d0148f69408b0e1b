//! What is said beside the result, on stderr: `error:` with what happened, `hint:` with what to
//! type next, and progress. A stderr that cannot be written leaves nobody to tell.

use std::io::Write;

use anstyle::{AnsiColor, Style};

use crate::Error;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// One line, as it is.
pub fn note(text: &str) {
    let _nobody_to_tell = writeln!(anstream::stderr(), "{text}");
}

/// `warning: …`
pub fn warning(text: &str) {
    labelled(WARNING, "warning", text);
}

/// `hint: …`
pub fn hint(text: &str) {
    labelled(HINT, "hint", text);
}

/// `error: …`
pub fn error(text: &str) {
    labelled(ERROR, "error", text);
}

/// `error: …` and, where there is one, `hint: …`.
pub fn failure(failed: &Error) {
    error(&failed.to_string());
    if let Some(text) = failed.hint() {
        hint(&text);
    }
}

fn labelled(style: Style, label: &str, text: &str) {
    note(&format!("{style}{label}:{style:#} {text}"));
}
