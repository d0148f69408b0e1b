//! What Postgres says, as psql shows it: with SQLSTATE, the line, and a caret below the place.

use borealis_proto::{ServerMessage, Severity};
use unicode_width::UnicodeWidthChar;

/// An error, without its `error:` label.
#[must_use]
pub fn error(message: &ServerMessage, sql: &str) -> String {
    let mut text = format!("{}: {}", message.code, message.message);
    if let Some(place) = message.position.and_then(|position| place(sql, position)) {
        text.push_str(&place);
    }
    // A NOTICE has one as well, which nobody wants to see.
    let context = message.context.as_ref().map(|context| format!("\nCONTEXT:  {context}"));
    text + &more(message) + &context.unwrap_or_default()
}

/// A notice: `NOTICE:  …`.
#[must_use]
pub fn notice(message: &ServerMessage) -> String {
    format!("{}:  {}{}", word(message.severity), message.message, more(message))
}

fn more(message: &ServerMessage) -> String {
    let labelled = |label: &str, text: &Option<String>| {
        text.as_ref().map(|text| format!("\n{label}:  {text}")).unwrap_or_default()
    };
    labelled("DETAIL", &message.detail) + &labelled("HINT", &message.hint)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Debug => "DEBUG",
        Severity::Log => "LOG",
        Severity::Info => "INFO",
        Severity::Notice => "NOTICE",
        Severity::Warning => "WARNING",
        Severity::Error => "ERROR",
        Severity::Fatal => "FATAL",
        Severity::Panic => "PANIC",
        Severity::Unknown => "MESSAGE",
    }
}

/// `LINE 2: …` and a caret. The position counts characters of the whole text from 1; one that
/// points past its end is Postgres' way to say "at the end".
fn place(sql: &str, position: u32) -> Option<String> {
    let offset = usize::try_from(position).ok()?.checked_sub(1)?;
    let byte = sql.char_indices().nth(offset).map_or(sql.len(), |(byte, _)| byte);
    let (before, after) = sql.split_at_checked(byte)?;
    let number = before.matches('\n').count() + 1;
    let head = before.rsplit('\n').next().unwrap_or_default();
    let tail = after.split('\n').next().unwrap_or_default().trim_end();
    let label = format!("LINE {number}: ");
    let shown: String = head.chars().chain(tail.chars()).map(untabbed).collect();
    let indent: usize = head.chars().map(|c| untabbed(c).width().unwrap_or(0)).sum();
    // By hand: a width of `format!` ends at 65,535.
    Some(format!("\n{label}{shown}\n{}^", " ".repeat(label.len() + indent)))
}

/// A tab's width is the terminal's affair; a blank's is not.
fn untabbed(c: char) -> char {
    if c == '\t' { ' ' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(position: Option<u32>) -> ServerMessage {
        ServerMessage {
            severity: Severity::Error,
            code: "42P01".into(),
            message: "relation \"nope\" does not exist".into(),
            detail: None,
            hint: Some("look again".into()),
            position,
            context: None,
        }
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        let shown = error(&message(Some(25)), "select 1;\nselect * from nope\nwhere x");
        let expected = "42P01: relation \"nope\" does not exist\n\
                        LINE 2: select * from nope\n\
                        \x20                     ^\n\
                        HINT:  look again";
        assert_eq!(shown, expected);
    }

    #[test]
    fn wide_characters_and_tabs_keep_the_caret_in_place() {
        let shown = place("\t'寿司' nope", 7).unwrap();
        assert_eq!(shown, "\nLINE 1:  '寿司' nope\n                ^");
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        assert_eq!(place("select", 99).unwrap(), "\nLINE 1: select\n              ^");
        assert_eq!(place("select", 0), None);
    }

    #[test]
    fn a_line_may_be_very_long() {
        let sql = format!("select '{}', nope", "x".repeat(70_000));
        let shown = place(&sql, 70_012).unwrap();
        assert_eq!(shown.lines().last().unwrap().len(), "LINE 1: ".len() + 70_012);
    }

    #[test]
    fn a_notice_reads_as_in_psql() {
        let notice = notice(&ServerMessage { severity: Severity::Notice, ..message(None) });
        assert_eq!(notice, "NOTICE:  relation \"nope\" does not exist\nHINT:  look again");
    }
}
