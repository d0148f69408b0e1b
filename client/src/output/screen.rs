//! A text that stands on the terminal and is drawn again in its place.

use std::io::{self, Write};

use console::{Term, measure_text_width};

/// What was drawn last. Dropped, it leaves that where it is.
#[derive(Debug)]
pub struct Screen {
    term: Term,
    /// How many rows the last text takes.
    rows: usize,
}

impl Screen {
    /// On stdout.
    #[must_use]
    pub fn new() -> Self {
        Self { term: Term::stdout(), rows: 0 }
    }

    /// Draws a text instead of the last one.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn draw(&mut self, text: &str) -> io::Result<()> {
        let (height, width) = self.term.size();
        let (shown, rows) = fitting(text, height.into(), width.into());
        // One write, so that nothing half drawn is ever seen.
        let up = match self.rows {
            0 => String::new(),
            rows => format!("\u{1b}[{rows}A\r"),
        };
        let mut stdout = anstream::stdout().lock();
        stdout.write_all(format!("{up}\u{1b}[J{shown}").as_bytes())?;
        stdout.flush()?;
        self.rows = rows;
        Ok(())
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

/// As much of the text as the terminal can show at once, because the cursor cannot go back to what
/// has scrolled away; and how many rows that takes, because long lines are broken by the terminal.
fn fitting(text: &str, height: usize, width: usize) -> (String, usize) {
    let most = height.saturating_sub(2).max(1);
    let (mut shown, mut rows) = (String::new(), 0);
    let mut lines = text.lines();
    for line in lines.by_ref() {
        let more = measure_text_width(line).div_ceil(width.max(1)).max(1);
        if rows + more > most {
            shown.push_str("… more than fits this terminal\n");
            return (shown, rows + 1);
        }
        shown.push_str(line);
        shown.push('\n');
        rows += more;
    }
    (shown, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_lines_count_and_colours_do_not() {
        assert_eq!(fitting("a\nb\n", 24, 80), ("a\nb\n".into(), 2));
        assert_eq!(fitting("\n", 24, 80).1, 1);
        assert_eq!(fitting("12345678901\n", 24, 10).1, 2);
        assert_eq!(fitting("\u{1b}[32m1234567890\u{1b}[0m\n", 24, 10).1, 1);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_said() {
        let (shown, rows) = fitting("a\nb\nc\nd\n", 4, 80);
        assert_eq!((shown.as_str(), rows), ("a\nb\n… more than fits this terminal\n", 3));
    }
}
