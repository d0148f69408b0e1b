//! Where one statement ends and the next begins, for callers who want the rest of a text after an
//! error. Postgres takes a text as a whole or not at all, so this has to be known here.
//!
//! It is ours because it must follow Postgres' own lexer in what hides a semicolon (strings of four
//! kinds, nested comments, parentheses, SQL bodies of functions) and must not fail on a statement
//! that it does not understand: parsers of SQL do both the other way round.

use std::iter;

/// The statements of a text, each with the number of characters before it. Blanks and comments
/// before a statement belong to it; a piece with nothing else is left out.
pub(super) fn statements(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut rest = text;
    let mut before = 0_u32;
    let pieces = iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let piece = Scanner::new(rest).statement();
        let (sql, after) = rest.split_at_checked(piece.length).unwrap_or((rest, ""));
        let shift = before;
        before = before.saturating_add(u32::try_from(sql.chars().count()).unwrap_or(u32::MAX));
        rest = after;
        Some((shift, sql, piece.says_something))
    });
    pieces.filter(|(_, _, says_something)| *says_something).map(|(shift, sql, _)| (shift, sql))
}

/// A statement with its semicolon.
struct Piece {
    /// In bytes.
    length: usize,
    says_something: bool,
}

/// Walks through a text once. Bytes are enough: all that matters is ASCII, and in UTF-8 no byte of
/// another character looks like it.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The first words, to know a function whose body is SQL.
    head: Vec<String>,
    parentheses: usize,
    /// How many `BEGIN` and `CASE` of such a body are open.
    blocks: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, head: Vec::new(), parentheses: 0, blocks: 0 }
    }

    fn statement(mut self) -> Piece {
        let mut says_something = false;
        while let Some(byte) = self.peek(0) {
            if self.skip_blank(byte) {
                continue;
            }
            if byte == b';' && self.parentheses == 0 && self.blocks == 0 {
                return Piece { length: self.at + 1, says_something };
            }
            says_something = true;
            self.token(byte);
        }
        Piece { length: self.text.len(), says_something }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Blanks and comments.
    fn skip_blank(&mut self, byte: u8) -> bool {
        match (byte, self.peek(1)) {
            (b'-', Some(b'-')) => self.at = self.find("\n", 2),
            (b'/', Some(b'*')) => self.block_comment(),
            (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, _) => self.at += 1,
            _ => return false,
        }
        true
    }

    fn token(&mut self, byte: u8) {
        match byte {
            b'\'' => self.quoted(b'\'', false),
            b'"' => self.quoted(b'"', false),
            b'$' => self.dollar(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.word(),
            // `1e` is no word that counts. `$$` after a number begins a string, after a word not.
            b'0'..=b'9' => self.skip_while(|byte| is_word(byte) && byte != b'$'),
            b'(' => self.bracket(self.parentheses + 1),
            b')' => self.bracket(self.parentheses.saturating_sub(1)),
            _ => self.at += 1,
        }
    }

    fn bracket(&mut self, depth: usize) {
        self.parentheses = depth;
        self.at += 1;
    }

    /// They nest, as in no other language.
    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return,
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// A doubled quote ends one string and begins another: nothing is lost by taking it so.
    fn quoted(&mut self, quote: u8, escapes: bool) {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            if byte == quote {
                return;
            }
            if escapes && byte == b'\\' {
                self.at += 1;
            }
        }
    }

    /// `$$…$$`, `$tag$…$tag$`; else a parameter or an operator.
    fn dollar(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some((tag, _)) = rest.strip_prefix('$').and_then(|rest| rest.split_once('$')) else {
            self.at += 1;
            return;
        };
        let starts_well = !tag.starts_with(|c: char| c.is_ascii_digit());
        if !starts_well || !tag.bytes().all(is_word) {
            self.at += 1;
            return;
        }
        let delimiter = rest.get(..tag.len() + 2).unwrap_or(rest);
        self.at = self.find(delimiter, delimiter.len()) + delimiter.len();
        self.at = self.at.min(self.text.len());
    }

    fn word(&mut self) {
        let start = self.at;
        self.skip_while(is_word);
        let word = self.text.get(start..self.at).unwrap_or_default().to_ascii_lowercase();
        if word == "e" && self.peek(0) == Some(b'\'') {
            return self.quoted(b'\'', true);
        }
        if self.parentheses == 0 && self.may_have_body() {
            match word.as_str() {
                "begin" => self.blocks += 1,
                "case" if self.blocks > 0 => self.blocks += 1,
                "end" => self.blocks = self.blocks.saturating_sub(1),
                _ => {}
            }
        }
        if self.head.len() < HEAD {
            self.head.push(word);
        }
    }

    /// `CREATE [OR REPLACE] {FUNCTION | PROCEDURE}`: their `BEGIN ATOMIC … END` has semicolons.
    fn may_have_body(&self) -> bool {
        let words: Vec<&str> = self.head.iter().map(String::as_str).collect();
        matches!(
            words.as_slice(),
            ["create", "function" | "procedure", ..]
                | ["create", "or", "replace", "function" | "procedure"]
        )
    }

    fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&belongs) {
            self.at += 1;
        }
    }

    /// Where `what` stands next, or the end of the text.
    fn find(&self, what: &str, ahead: usize) -> usize {
        let from = (self.at + ahead).min(self.text.len());
        let rest = self.text.get(from..).unwrap_or_default();
        rest.find(what).map_or(self.text.len(), |offset| from + offset)
    }
}

/// As many words as it takes to know a function.
const HEAD: usize = 4;

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<&str> {
        statements(text).map(|(_, sql)| sql).collect()
    }

    #[test]
    fn what_hides_a_semicolon() {
        for one in [
            "select ';'",
            "select 'it''s; fine'",
            "select '\\'",
            r"select e'\';'",
            r"select E'\\;\'' , 1",
            "select U&'d\\0061t;' as \"a;b\"",
            "select 1 -- ; no\n + 1",
            "select 1 /* ; /* ; */ ; */ + 1",
            "select $$;$$",
            "select $a_1$ ; $$ ; $a$ $a_1$",
            "select $ü$;$ü$",
            "create rule r as on insert to t do (select 1; select 2)",
            "create function f() returns int begin atomic select 1; select case 1 when 1 then 2 end; end",
            "create or replace procedure p(a int) language sql begin atomic insert into t values (1); end",
            "create procedure p() begin atomic select 1; end",
            "do $$ begin perform 1; end $$",
            "select 寿司 from \"鉄火;巻\"",
        ] {
            assert_eq!(split(one), [one]);
            let ended = format!("{one};");
            let two = format!("{ended} select 2");
            assert_eq!(split(&two), [ended.as_str(), " select 2"], "{one}");
        }
    }

    #[test]
    fn what_does_not_hide_one() {
        let table = [
            ("select '\\'; select 1", 2),
            ("select 1$$; select $$; select 2", 2),
            ("select $1; select $2", 2),
            ("select a$b$; select c$b$", 2),
            ("begin; select 1; end; select case when true then 1 end; select 1", 5),
            ("create function f() returns int language sql as 'select 1'; select 1", 2),
            ("select 'unfinished; select 1", 1),
            (";; -- nothing\n ; /* ; */", 0),
            ("", 0),
        ];
        for (text, count) in table {
            assert_eq!(split(text).len(), count, "{text}");
        }
    }

    #[test]
    fn positions_count_characters() {
        let pieces: Vec<_> = statements("select 'ü'; ;\nselect 2").collect();
        assert_eq!(pieces, [(0, "select 'ü';"), (13, "\nselect 2")]);
    }

    const TOKENS: &[&str] = &[
        "select ",
        "';'",
        "$$;$$",
        "$x$ ;'$x$",
        "/* ; */",
        "-- ;\n",
        "\";\"",
        "e'\\';'",
        "(1;2)",
        "1 ",
        "ü ",
        "\n",
    ];

    proptest! {
        #[test]
        fn statements_come_back_as_they_were_joined(
            statements in prop::collection::vec(prop::collection::vec(0..TOKENS.len(), 0..8), 0..6),
        ) {
            let text = |tokens: &Vec<usize>| {
                let words: String = tokens.iter().map(|&token| TOKENS[token]).collect();
                format!("select {words};")
            };
            let wanted: Vec<String> = statements.iter().map(text).collect();
            let whole = wanted.concat();
            prop_assert_eq!(split(&whole), wanted);
        }

        #[test]
        fn nothing_but_blanks_and_comments_is_lost(text in any::<String>()) {
            let mut shift_before = 0;
            for (shift, sql) in statements(&text) {
                prop_assert!(shift >= shift_before);
                let at: String = text.chars().skip(usize::try_from(shift).unwrap()).collect();
                prop_assert!(at.starts_with(sql));
                shift_before = shift;
            }
        }
    }
}
