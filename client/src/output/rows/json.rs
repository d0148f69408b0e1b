//! Rows as JSON objects.

use std::io::{self, Write};

use borealis_proto::Column;

use super::keys::keys;
use super::kind::{Kind, kind};
use super::{Rows, value};

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
        for (index, (key, shown)) in self.keys.iter().zip(values).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(out, "{comma}{}:", key.name)?;
            match shown {
                None => out.write_all(b"null")?,
                Some(text) => value::write(out, key.kind, text)?,
            }
        }
        out.write_all(b"}")
    }
}

impl<W: Write> Rows for Json<W> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        let key = |(name, column): (String, &Column)| {
            Ok(Key { name: serde_json::to_string(&name)?, kind: kind(column.type_oid) })
        };
        self.keys = keys(&columns).into_iter().zip(&columns).map(key).collect::<io::Result<_>>()?;
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

    /// Closed all the same, so that what follows can be read.
    fn cut(&mut self) -> io::Result<()> {
        self.end("")
    }

    fn raw(&mut self, data: &[u8]) -> io::Result<()> {
        self.out.write_all(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
