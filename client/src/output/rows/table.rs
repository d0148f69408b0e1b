//! Rows in aligned columns, byte for byte as psql prints them, but for two things:
//!
//! - NULL is `NULL`, as psql's is after `\pset null NULL`: it is not the empty text;
//! - memory stays bounded: widths are those of a batch, as psql's are with `FETCH_COUNT`.

use std::io::{self, Write};

use borealis_proto::Column;

use super::lines::{Line, lines};
use super::{Rows, oid};

/// A batch ends at this many rows, or bytes of values.
const BATCH_ROWS: usize = 10_000;
const BATCH_BYTES: usize = 16 << 20;
/// What a cell takes beside its text, about, in bytes.
const CELL: usize = 100;

const NULL: &str = "NULL";

/// Aligned columns.
#[derive(Debug)]
pub struct Table<W> {
    out: W,
    columns: Vec<Heading>,
    header_due: bool,
    batch: Vec<Vec<Cell>>,
    batch_bytes: usize,
    rows: u64,
}

/// A value, or a name, as its lines.
type Cell = Vec<Line>;

#[derive(Debug)]
struct Heading {
    name: Cell,
    side: Side,
}

/// Where in its column a value stands.
#[derive(Clone, Copy, Debug)]
enum Side {
    Left,
    Right,
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

    /// The names count in every batch, shown or not: so does psql.
    fn widths(&self) -> Vec<usize> {
        let width_of = |(index, heading): (usize, &Heading)| {
            let cells = self.batch.iter().filter_map(|row| row.get(index));
            let lines = cells.chain([&heading.name]).flatten();
            lines.map(|line| line.width).max().unwrap_or(0)
        };
        self.columns.iter().enumerate().map(width_of).collect()
    }

    /// Where there is no column, there is only the rule.
    fn write_header(&mut self, widths: &[usize]) -> io::Result<()> {
        let height = self.columns.iter().map(|heading| heading.name.len()).max().unwrap_or(0);
        for number in 0..height {
            let columns = self.columns.iter().zip(widths);
            let names: Vec<String> =
                columns.map(|(heading, width)| centred(&heading.name, number, *width)).collect();
            writeln!(self.out, "{}", names.join("|"))?;
        }
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        let rule = if rules.is_empty() { "--".to_owned() } else { rules.join("+") };
        writeln!(self.out, "{rule}")
    }

    /// A cell with several lines makes several lines of the row; a `+` says that it goes on.
    fn write_row(&mut self, row: &[Cell], widths: &[usize]) -> io::Result<()> {
        let height = row.iter().map(Vec::len).max().unwrap_or(0);
        for number in 0..height {
            let mut line = String::new();
            let cells = row.iter().zip(&self.columns).zip(widths);
            for (index, ((cell, heading), width)) in cells.enumerate() {
                let end = match (number + 1 < cell.len(), index + 1 == row.len()) {
                    (true, true) => "+",
                    (true, false) => "+|",
                    (false, true) => "",
                    (false, false) => " |",
                };
                push_aligned(&mut line, cell.get(number), *width, heading.side, end);
            }
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }
}

impl<W: Write> Rows for Table<W> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        let heading = |column: Column| Heading { name: lines(&column.name), side: side(&column) };
        self.columns = columns.into_iter().map(heading).collect();
        self.header_due = true;
        self.rows = 0;
        Ok(())
    }

    fn row(&mut self, values: Vec<Option<String>>) -> io::Result<()> {
        let cell = |value: &Option<String>| lines(value.as_deref().unwrap_or(NULL));
        self.rows += 1;
        self.batch_bytes += values.iter().flatten().map(String::len).sum::<usize>();
        self.batch_bytes += values.len() * CELL;
        self.batch.push(values.iter().map(cell).collect());
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

/// A line of a name, over the middle of its column.
fn centred(name: &[Line], number: usize, width: usize) -> String {
    let line = name.get(number);
    let blank = width.saturating_sub(line.map_or(0, |line| line.width));
    let left = blank / 2;
    let text = line.map_or("", |line| line.text.as_str());
    let end = if number + 1 < name.len() { '+' } else { ' ' };
    // By hand: a width of `format!` ends at 65,535.
    format!(" {}{text}{}{end}", " ".repeat(left), " ".repeat(blank - left))
}

/// Where nothing follows, nothing is filled up.
fn push_aligned(out: &mut String, line: Option<&Line>, width: usize, side: Side, end: &str) {
    let blank = " ".repeat(width.saturating_sub(line.map_or(0, |line| line.width)));
    let text = line.map_or("", |line| line.text.as_str());
    let (before, after) = match (side, line) {
        (Side::Right, Some(_)) => (blank.as_str(), ""),
        (Side::Right, None) | (Side::Left, _) if end.is_empty() => ("", ""),
        (Side::Right, None) | (Side::Left, _) => ("", blank.as_str()),
    };
    out.extend([" ", before, text, after, end]);
}

/// psql's choice.
fn side(column: &Column) -> Side {
    match column.type_oid {
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
        | oid::MONEY => Side::Right,
        _ => Side::Left,
    }
}
