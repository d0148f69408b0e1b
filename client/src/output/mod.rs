//! The only room that prints: results on stdout, all else on stderr, so that a pipe gets nothing
//! but what was asked for. Colour only on terminals and not with `NO_COLOR`; anstream sees to it.

pub mod addon;
pub mod copied;
pub mod desktop;
pub mod human;
pub mod notes;
pub mod rows;
pub mod screen;
pub mod server_message;
pub mod spinner;
pub mod text;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// What the text renderers have to know of the place they print to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal; none where lines may be of any length.
    pub width: Option<u16>,
    /// Whether colours are shown.
    pub colour: bool,
}

/// How much of a session is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// All of it.
    WithTraffic,
    /// Only what events tell: the rest would grow old on the screen.
    OfEvents,
}

impl Look {
    /// As stdout wants it.
    #[must_use]
    pub fn of_stdout() -> Self {
        let stdout = io::stdout();
        let colour = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        let width = if stdout.is_terminal() { terminal_width() } else { None };
        Self { width, colour }
    }
}

fn terminal_width() -> Option<u16> {
    comfy_table::Table::new().width()
}

/// A result, which ends its own lines.
///
/// # Errors
/// When stdout cannot be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// A result for programs, on a line of its own.
///
/// # Errors
/// When stdout cannot be written.
pub fn json_line(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}

/// A result for programs.
///
/// # Errors
/// When stdout cannot be written.
pub fn json(value: &impl Serialize) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, value)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}
