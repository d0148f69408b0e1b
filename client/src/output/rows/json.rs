//! Rows as JSON objects. Postgres' text of a number goes out digit by digit: no float of ours
//! comes between.

use std::collections::HashSet;
use std::io::{self, Write};

use borealis_proto::Column;
use serde_json::value::RawValue;

use super::{Rows, oid};

/// One array of objects a result, or one object a line.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
    layout: Layout,
    keys: Vec<Key>,
    rows: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Array,
    Lines,
}

#[derive(Debug)]
struct Key {
    /// As JSON, with its quotes.
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// JSON in the text already: numbers and JSON itself.
    Raw,
    Bool,
    Text,
}

impl<W: Write> Json<W> {
    /// One array a result.
    pub fn array(out: W) -> Self {
        Self { out, layout: Layout::Array, keys: Vec::new(), rows: 0 }
    }

    /// One object a line.
    pub fn lines(out: W) -> Self {
        Self { out, layout: Layout::Lines, keys: Vec::new(), rows: 0 }
    }

    fn object(&mut self, values: &[Option<String>]) -> io::Result<()> {
        let out = &mut self.out;
        out.write_all(b"{")?;
        for (index, (key, value)) in self.keys.iter().zip(values).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(out, "{comma}{}:", key.name)?;
            match value {
                None => out.write_all(b"null")?,
                Some(text) => write_value(out, key.kind, text)?,
            }
        }
        out.write_all(b"}")
    }
}

impl<W: Write> Rows for Json<W> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        self.keys = keys(&columns)?;
        self.rows = 0;
        match self.layout {
            Layout::Array => self.out.write_all(b"["),
            Layout::Lines => Ok(()),
        }
    }

    fn row(&mut self, values: Vec<Option<String>>) -> io::Result<()> {
        let (before, after): (&[u8], &[u8]) = match (self.layout, self.rows) {
            (Layout::Lines, _) => (b"", b"\n"),
            (Layout::Array, 0) => (b"\n", b""),
            (Layout::Array, _) => (b",\n", b""),
        };
        self.rows += 1;
        self.out.write_all(before)?;
        self.object(&values)?;
        self.out.write_all(after)
    }

    fn end(&mut self, _tag: &str) -> io::Result<()> {
        match (self.layout, self.rows) {
            (Layout::Lines, _) => Ok(()),
            (Layout::Array, 0) => self.out.write_all(b"]\n"),
            (Layout::Array, _) => self.out.write_all(b"\n]\n"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Names may repeat in a result, and must not in an object: the second `n` is `n_2`.
fn keys(columns: &[Column]) -> io::Result<Vec<Key>> {
    let mut taken: HashSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut seen = HashSet::new();
    let mut keys = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.name.clone();
        if !seen.insert(&column.name) {
            let free = |n: &u64| !taken.contains(&format!("{}_{n}", column.name));
            let number = (2..).find(free).unwrap_or_default();
            name = format!("{}_{number}", column.name);
            taken.insert(name.clone());
        }
        keys.push(Key { name: serde_json::to_string(&name)?, kind: kind(column.type_oid) });
    }
    Ok(keys)
}

fn kind(type_oid: u32) -> Kind {
    match type_oid {
        oid::BOOL => Kind::Bool,
        oid::INT2
        | oid::INT4
        | oid::INT8
        | oid::OID
        | oid::FLOAT4
        | oid::FLOAT8
        | oid::NUMERIC
        | oid::JSON
        | oid::JSONB => Kind::Raw,
        _ => Kind::Text,
    }
}

fn write_value(out: &mut impl Write, kind: Kind, text: &str) -> io::Result<()> {
    match (kind, text) {
        (Kind::Bool, "t") => out.write_all(b"true"),
        (Kind::Bool, "f") => out.write_all(b"false"),
        (Kind::Raw, text) if is_json(text) => write_raw(out, text),
        // NaN and Infinity have no number in JSON.
        (Kind::Bool | Kind::Raw | Kind::Text, text) => Ok(serde_json::to_writer(out, text)?),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// A line break in JSON is always between two tokens: as a blank it means the same, and an object
/// stays on its line.
fn write_raw(out: &mut impl Write, text: &str) -> io::Result<()> {
    for (index, piece) in text.split(['\n', '\r']).enumerate() {
        if index > 0 {
            out.write_all(b" ")?;
        }
        out.write_all(piece.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(type_oid: u32, text: &str) -> String {
        let mut bytes = Vec::new();
        write_value(&mut bytes, kind(type_oid), text).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn values_keep_their_type_and_every_digit() {
        let table = [
            (oid::INT8, "9223372036854775807", "9223372036854775807"),
            (oid::NUMERIC, "0.1000000000000000000000001", "0.1000000000000000000000001"),
            (oid::NUMERIC, "NaN", "\"NaN\""),
            (oid::FLOAT8, "1e+300", "1e+300"),
            (oid::FLOAT8, "-Infinity", "\"-Infinity\""),
            (oid::BOOL, "t", "true"),
            (oid::JSON, "{\"a\":\n [1.0]}", "{\"a\":  [1.0]}"),
            (oid::JSONB, "null", "null"),
            (25, "12", "\"12\""),
            (1082, "2026-11-22", "\"2026-11-22\""),
        ];
        for (type_oid, text, json) in table {
            assert_eq!(value(type_oid, text), json);
        }
    }

    #[test]
    fn repeated_names_lose_no_column() {
        let column = |name: &str| Column { name: name.into(), type_oid: 25 };
        let keys = keys(&["n", "n", "n_2", "n"].map(column)).unwrap();
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["\"n\"", "\"n_3\"", "\"n_2\"", "\"n_4\""]);
    }
}
