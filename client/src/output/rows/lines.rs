//! A text as psql lays it out: line by line, each as wide as psql takes it to be, and without
//! anything that a terminal would obey, for data must not move cursors.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_width::UnicodeWidthChar;

/// A tab goes on to the next column that this divides.
const TAB: usize = 8;

/// A line that can be shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// In columns of a terminal.
    pub(super) width: usize,
}

/// The lines of a value, or of a column's name; at least one.
pub(super) fn lines(text: &str) -> Vec<Line> {
    text.split('\n').map(Line::of).collect()
}

impl Line {
    fn of(text: &str) -> Self {
        let mut line = Self { text: String::with_capacity(text.len()), width: 0 };
        text.chars().for_each(|c| line.push(c));
        line
    }

    fn push(&mut self, c: char) {
        match c {
            ' '..='~' => self.push_as_is(c, 1),
            '\t' => self.push_ascii(&" ".repeat(TAB - self.width % TAB)),
            '\r' => self.push_ascii("\\r"),
            c if c.is_ascii_control() => self.push_ascii(&format!("\\x{:02X}", u32::from(c))),
            c if c.is_control() => self.push_ascii(&format!("\\u{:04X}", u32::from(c))),
            c => self.push_as_is(c, width(c)),
        }
    }

    fn push_as_is(&mut self, c: char, width: usize) {
        self.text.push(c);
        self.width += width;
    }

    fn push_ascii(&mut self, text: &str) {
        self.text.push_str(text);
        self.width += text.len();
    }
}

/// The rule of psql's `ucs_wcwidth` since Postgres 16: marks and format characters take no room,
/// what East Asian fonts draw wide takes two columns, all else one. Character by character: what a
/// font joins, as in emoji of several people, counts with all its parts. Older psqls give format
/// characters (U+200B, U+00AD) a column, and each knows the Unicode of its own year.
fn width(c: char) -> usize {
    match (c.general_category(), c.width()) {
        (
            GeneralCategory::NonspacingMark
            | GeneralCategory::EnclosingMark
            | GeneralCategory::Format,
            _,
        ) => 0,
        (_, Some(2)) if c != KHMER_AQ => 2,
        _ if WIDE_BUT_JOINED.contains(&c) => 2,
        _ => 1,
    }
}

/// Two columns to `unicode-width`, by its look; Unicode has it among the narrow ones.
const KHMER_AQ: char = '\u{17a4}';

/// Wide by their East Asian width; none at all to `unicode-width`, since a font joins them to what
/// is before.
const WIDE_BUT_JOINED: [char; 5] = ['\u{302e}', '\u{302f}', '\u{3164}', '\u{16ff0}', '\u{16ff1}'];

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, width: usize) -> Line {
        Line { text: text.to_owned(), width }
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(lines("\u{1b}[31m\r\u{7f}\u{85}"), [line("\\x1B[31m\\r\\x7F\\u0085", 20)]);
        assert_eq!(lines("a\tb\n\t"), [line("a       b", 9), line("        ", 8)]);
        assert_eq!(lines("巻\t|"), [line("巻      |", 9)]);
        assert_eq!(lines("\n"), [line("", 0), line("", 0)]);
    }

    #[test]
    fn characters_are_as_wide_as_psql_takes_them_to_be() {
        let table = [
            ("é", 1),
            ("e\u{301}", 1),
            ("鉄火巻", 6),
            ("ﾃｯｶ", 3),
            ("한글", 4),
            // A vowel that is drawn at its consonant has a column all the same.
            ("কা", 2),
            ("\u{1100}\u{1161}", 3),
            ("🍣", 2),
            ("❤\u{fe0f}", 1),
            ("👩\u{200d}👧", 4),
            ("\u{3164}\u{17a4}", 3),
        ];
        for (text, width) in table {
            assert_eq!(lines(text), [line(text, width)]);
        }
    }
}
