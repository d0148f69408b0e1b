//! Rows in aligned columns, as psql prints them. Widths are those of a batch, so that memory stays
//! bounded: a long result may change its widths on the way, as psql's does with `FETCH_COUNT`.

use std::io::{self, Write};

use borealis_proto::Column;
use unicode_width::UnicodeWidthStr;

use super::{Rows, oid};

/// A batch ends at this many rows, or bytes of values.
const BATCH_ROWS: usize = 10_000;
const BATCH_BYTES: usize = 16 << 20;
/// What a cell takes beside its text, about, in bytes.
const CELL: usize = 100;

/// Aligned columns.
#[derive(Debug)]
pub struct Table<W> {
    out: W,
    columns: Vec<Column>,
    header_due: bool,
    /// Each cell as its lines.
    batch: Vec<Vec<Vec<String>>>,
    batch_bytes: usize,
    rows: u64,
}

impl<W: Write> Table<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            columns: Vec::new(),
            header_due: false,
            batch: Vec::new(),
            batch_bytes: 0,
            rows: 0,
        }
    }

    fn write_batch(&mut self) -> io::Result<()> {
        let widths = self.widths();
        if self.header_due {
            self.write_header(&widths)?;
        }
        self.header_due = false;
        self.batch_bytes = 0;
        for row in std::mem::take(&mut self.batch) {
            self.write_row(&row, &widths)?;
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        let width_of = |(index, column): (usize, &Column)| {
            let cells = self.batch.iter().filter_map(|row| row.get(index)).flatten();
            let header = if self.header_due { column.name.width() } else { 0 };
            cells.map(|line| line.width()).max().unwrap_or(0).max(header)
        };
        self.columns.iter().enumerate().map(width_of).collect()
    }

    fn write_header(&mut self, widths: &[usize]) -> io::Result<()> {
        let centred = |(column, width): (&Column, &usize)| {
            let blank = width.saturating_sub(column.name.width());
            let left = blank / 2;
            format!(" {:left$}{}{:right$} ", "", column.name, "", right = blank - left)
        };
        let names: Vec<String> = self.columns.iter().zip(widths).map(centred).collect();
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        let rule = if rules.is_empty() { "--".to_owned() } else { rules.join("+") };
        writeln!(self.out, "{}\n{rule}", names.join("|"))
    }

    /// A cell with several lines makes several lines of the row; a `+` says that it goes on.
    fn write_row(&mut self, row: &[Vec<String>], widths: &[usize]) -> io::Result<()> {
        let height = row.iter().map(Vec::len).max().unwrap_or(0);
        for number in 0..height {
            let mut line = String::new();
            for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
                let numeric = self.columns.get(index).is_some_and(is_numeric);
                let last = index + 1 == row.len();
                let goes_on = number + 1 < cell.len();
                push_aligned(&mut line, cell.get(number), *width, numeric, last && !goes_on);
                line.push_str(match (goes_on, last) {
                    (true, true) => "+",
                    (true, false) => "+|",
                    (false, true) => "",
                    (false, false) => " |",
                });
            }
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }
}

impl<W: Write> Rows for Table<W> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        let clean = |column: Column| Column { name: printable(&column.name).join(" "), ..column };
        self.columns = columns.into_iter().map(clean).collect();
        self.header_due = true;
        self.rows = 0;
        Ok(())
    }

    fn row(&mut self, values: Vec<Option<String>>) -> io::Result<()> {
        let text = |value: &Option<String>| printable(value.as_deref().unwrap_or("NULL"));
        self.rows += 1;
        self.batch_bytes += values.iter().flatten().map(String::len).sum::<usize>();
        self.batch_bytes += values.len() * CELL;
        self.batch.push(values.iter().map(text).collect());
        if self.batch.len() >= BATCH_ROWS || self.batch_bytes >= BATCH_BYTES {
            self.write_batch()?;
        }
        Ok(())
    }

    fn end(&mut self, tag: &str) -> io::Result<()> {
        self.write_batch()?;
        let noun = if self.rows == 1 { "row" } else { "rows" };
        writeln!(self.out, "({} {noun})\n", self.rows)?;
        // The rows of a RETURNING do not say how much was changed.
        let changed = ["INSERT", "UPDATE", "DELETE", "MERGE"];
        if changed.iter().any(|verb| tag.starts_with(verb)) {
            writeln!(self.out, "{tag}")?;
        }
        Ok(())
    }

    fn command(&mut self, tag: &str) -> io::Result<()> {
        writeln!(self.out, "{tag}")
    }

    /// What came before the error is shown, without a count.
    fn cut(&mut self) -> io::Result<()> {
        self.write_batch()
    }

    fn raw(&mut self, data: &[u8]) -> io::Result<()> {
        self.out.write_all(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// At the end of a line nothing needs to be filled up.
fn push_aligned(line: &mut String, text: Option<&String>, width: usize, right: bool, end: bool) {
    let text = text.map_or("", String::as_str);
    let blank = " ".repeat(width.saturating_sub(text.width()));
    let (before, after) = match (right, end) {
        (true, _) => (blank.as_str(), ""),
        (false, true) => ("", ""),
        (false, false) => ("", blank.as_str()),
    };
    line.extend([" ", before, text, after]);
}

fn is_numeric(column: &Column) -> bool {
    matches!(
        column.type_oid,
        oid::INT2
            | oid::INT4
            | oid::INT8
            | oid::OID
            | oid::XID
            | oid::XID8
            | oid::CID
            | oid::FLOAT4
            | oid::FLOAT8
            | oid::NUMERIC
            | oid::MONEY
    )
}

/// The lines of a value, without anything that a terminal would obey: data must not move cursors.
fn printable(text: &str) -> Vec<String> {
    text.split('\n').map(printable_line).collect()
}

fn printable_line(line: &str) -> String {
    if !line.contains(char::is_control) {
        return line.to_owned();
    }
    let mut shown = String::new();
    for c in line.chars() {
        match c {
            '\t' => shown.push_str(&" ".repeat(8 - shown.width() % 8)),
            '\r' => shown.push_str("\\r"),
            c if c.is_control() => shown.push_str(&format!("\\x{:02X}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}
