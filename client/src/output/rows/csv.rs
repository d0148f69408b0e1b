//! CSV as Postgres' own COPY writes it: NULL is an empty field, an empty text is `""`. Which
//! fields are quoted therefore says something, and the usual writers decide it for a whole file.

use std::io::{self, Write};

use borealis_proto::Column;

use super::Rows;

/// Comma-separated values, a header first; an empty line between two results.
#[derive(Debug)]
pub struct Csv<W> {
    out: W,
    results: usize,
}

impl<W: Write> Csv<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, results: 0 }
    }

    fn line<'a>(&mut self, fields: impl Iterator<Item = Option<&'a str>>) -> io::Result<()> {
        for (index, field) in fields.enumerate() {
            if index > 0 {
                self.out.write_all(b",")?;
            }
            match field {
                None => {}
                Some(text) if needs_quotes(text) => {
                    write!(self.out, "\"{}\"", text.replace('"', "\"\""))?;
                }
                Some(text) => self.out.write_all(text.as_bytes())?,
            }
        }
        self.out.write_all(b"\n")
    }
}

impl<W: Write> Rows for Csv<W> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        if self.results > 0 {
            self.out.write_all(b"\n")?;
        }
        self.results += 1;
        self.line(columns.iter().map(|column| Some(column.name.as_str())))
    }

    fn row(&mut self, values: Vec<Option<String>>) -> io::Result<()> {
        self.line(values.iter().map(Option::as_deref))
    }

    fn end(&mut self, _tag: &str) -> io::Result<()> {
        Ok(())
    }

    fn raw(&mut self, data: &[u8]) -> io::Result<()> {
        self.out.write_all(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn needs_quotes(text: &str) -> bool {
    // Alone on a line, `\.` is the end of the data to a COPY that reads it.
    text.is_empty()
        || text == r"\."
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
        || text.contains([',', '"', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(rows: &[Vec<Option<String>>]) -> String {
        let mut bytes = Vec::new();
        let mut csv = Csv::new(&mut bytes);
        for row in rows {
            csv.row(row.clone()).unwrap();
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn null_is_not_an_empty_text() {
        let row = vec![None, Some(String::new()), Some("a,\"b\"".into())];
        assert_eq!(written(&[row]), ",\"\",\"a,\"\"b\"\"\"\n");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(rows in prop::collection::vec(
            prop::collection::vec(any::<String>(), 3..=3), 1..5,
        )) {
            let some = |row: &Vec<String>| row.iter().cloned().map(Some).collect();
            let text = written(&rows.iter().map(some).collect::<Vec<_>>());
            let mut reader =
                ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
            let read: Vec<Vec<String>> =
                reader.deserialize().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(read, rows);
        }
    }
}
