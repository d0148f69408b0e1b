//! Text from the server is hostile: it ends up in logs, terminals and error answers.

/// Longer than any honest message.
const MAX_CHARS: usize = 200;

/// Escapes what is not printable (line breaks, terminal sequences, direction overrides) and cuts.
pub(super) fn printable(text: &str) -> String {
    let mut safe = String::new();
    for (position, c) in text.trim().chars().enumerate() {
        if position == MAX_CHARS {
            safe.push('…');
            break;
        }
        match c {
            '"' | '\'' => safe.push(c),
            _ => safe.extend(c.escape_debug()),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        for (text, safe) in [
            ("Connection refused", "Connection refused"),
            (" it's \"ö\" \r\n", "it's \"ö\""),
            ("a\nb", "a\\nb"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{202e}txt", "\\u{202e}txt"),
        ] {
            assert_eq!(printable(text), safe);
        }
    }

    #[test]
    fn long_text_is_cut() {
        let safe = printable(&"x".repeat(5_000));
        assert_eq!(safe.chars().count(), MAX_CHARS + 1);
    }

    proptest! {
        #[test]
        fn no_text_gets_a_control_character_through(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(char::is_control));
        }
    }
}
