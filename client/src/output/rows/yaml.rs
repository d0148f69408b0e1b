//! Rows as YAML 1.2. A value is put as JSON, which is YAML as well but for what stands in strings:
//! these are written anew, so that YAML 1.1 reads the same. It is ours because no emitter writes
//! numbers digit by digit, or a list whose end is not known yet.

use std::io::{self, Write};

use borealis_proto::Column;

use super::keys::keys;
use super::kind::{Kind, kind};
use super::repeats;
use super::{Rows, value};

/// A document a result: a list with a mapping a row.
#[derive(Debug)]
pub struct Yaml<W> {
    out: W,
    keys: Vec<(String, Kind)>,
    rows: u64,
}

impl<W: Write> Yaml<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, keys: Vec::new(), rows: 0 }
    }
}

impl<W: Write> Rows for Yaml<W> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        let kinds = columns.iter().map(|column| kind(column.type_oid));
        self.keys = keys(&columns).iter().map(|key| text(key)).zip(kinds).collect();
        self.rows = 0;
        self.out.write_all(b"---\n")
    }

    fn row(&mut self, values: Vec<Option<String>>) -> io::Result<()> {
        self.rows += 1;
        if self.keys.is_empty() {
            return self.out.write_all(b"- {}\n");
        }
        let mut lead = "- ";
        for ((key, kind), shown) in self.keys.iter().zip(&values) {
            let shown = match shown {
                None => "null".to_owned(),
                Some(shown) => flow(*kind, shown)?,
            };
            writeln!(self.out, "{lead}{key}: {shown}")?;
            lead = "  ";
        }
        Ok(())
    }

    fn end(&mut self, _tag: &str) -> io::Result<()> {
        if self.rows == 0 { self.out.write_all(b"[]\n") } else { Ok(()) }
    }

    fn raw(&mut self, data: &[u8]) -> io::Result<()> {
        self.out.write_all(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A value on one line.
fn flow(kind: Kind, shown: &str) -> io::Result<String> {
    let mut json = Vec::new();
    value::write(&mut json, kind, shown)?;
    let json = String::from_utf8(json).map_err(io::Error::other)?;
    // A text that JSON allows and nobody can decode (half a surrogate pair) stays a text.
    Ok(rewritten(&json).unwrap_or_else(|| quoted(shown)))
}

/// JSON with its strings as YAML has them. A key that stands twice in one object is good JSON and
/// no YAML.
fn rewritten(json: &str) -> Option<String> {
    if repeats::any(json) {
        return None;
    }
    if !json.starts_with(['[', '{']) {
        return if json.starts_with('"') {
            decoded(json).map(|t| text(&t))
        } else {
            Some(json.into())
        };
    }
    let mut shown = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (before, from) = rest.split_at_checked(start)?;
        let (string, after) = from.split_at_checked(string_length(from)?)?;
        push_untabbed(&mut shown, before);
        shown.push_str(&quoted(&decoded(string)?));
        rest = after;
    }
    push_untabbed(&mut shown, rest);
    Some(shown)
}

fn decoded(string: &str) -> Option<String> {
    serde_json::from_str(string).ok()
}

/// Of a JSON string with its quotes, in bytes.
fn string_length(json: &str) -> Option<usize> {
    let mut escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some(end + 2)
}

/// Between tokens. `[1,2]` is `[1, 2]`: without the blank some read one number.
fn push_untabbed(shown: &mut String, between: &str) {
    let mut chars = between.chars().map(|c| if c == '\t' { ' ' } else { c }).peekable();
    while let Some(c) = chars.next() {
        shown.push(c);
        if matches!(c, ',' | ':') && chars.peek() != Some(&' ') {
            shown.push(' ');
        }
    }
}

/// Without quotes where no reader can take it for anything but a text.
fn text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '@');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(plain)
        && !MEANINGS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// What some version of YAML takes for something else.
const MEANINGS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => shown.push_str("\\\""),
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            // Line breaks of old, the byte order mark, and what no YAML may contain.
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                push_code(&mut shown, c)
            }
            c if c.is_control() => push_code(&mut shown, c),
            c => shown.push(c),
        }
    }
    shown + "\""
}

fn push_code(shown: &mut String, c: char) {
    shown.push_str(&format!("\\u{:04X}", u32::from(c)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use yaml_rust2::{Yaml as Read, YamlLoader};

    use super::*;

    fn written(type_oid: u32, values: &[&str]) -> String {
        let mut bytes = Vec::new();
        let mut yaml = Yaml::new(&mut bytes);
        yaml.columns(vec![Column { name: "n".into(), type_oid }]).unwrap();
        values.iter().for_each(|&value| yaml.row(vec![Some(value.to_owned())]).unwrap());
        yaml.end("SELECT").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn read(type_oid: u32, value: &str) -> Read {
        let text = written(type_oid, &[value]);
        let documents =
            YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        documents[0][0]["n"].clone()
    }

    #[test]
    fn values_keep_their_type_and_every_digit() {
        assert_eq!(written(1231, &["{0.10,NULL}"]), "---\n- \"n\": [0.10, null]\n");
        assert_eq!(written(25, &[]), "---\n[]\n");
        assert_eq!(
            read(1700, "0.1000000000000000000000001"),
            Read::Real("0.1000000000000000000000001".into())
        );
        assert_eq!(read(16, "t"), Read::Boolean(true));
        for text in
            ["no", "1", "2026-11-22", "~", "", " a", "null", "a: b", "- x", "\u{85}\u{0}", "0x1F"]
        {
            assert_eq!(read(25, text), Read::String(text.into()));
        }
        let json = r#"{"a b":[1,{"c":"\ud83c\udf63\/ \"x\": [1,2]"}],"yes":null}"#;
        let value = read(114, json);
        assert_eq!(value["a b"][1]["c"], Read::String("🍣/ \"x\": [1,2]".into()));
        assert_eq!(value["yes"], Read::Null);
        let half = r#"{"a":"\ud83c"}"#;
        assert_eq!(read(114, half), Read::String(half.into()));
    }

    proptest! {
        #[test]
        fn every_text_reads_back(text in any::<String>()) {
            prop_assert_eq!(read(25, &text), Read::String(text));
        }

        #[test]
        fn every_text_in_json_reads_back(text in any::<String>(), key in ".{0,20}") {
            let json = serde_json::json!({ &key: [text] }).to_string();
            prop_assert_eq!(&read(3802, &json)[key.as_str()][0], &Read::String(text));
        }
    }
}
