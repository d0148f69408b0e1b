//! Rows of a query, written as they come. Only the table holds some back, to know its widths.

mod array;
mod csv;
mod json;
mod keys;
mod kind;
mod lines;
mod repeats;
mod table;
mod value;
mod yaml;

use std::io::{self, Write};

use borealis_proto::Column;

use super::notes;
use crate::cli::Format;

pub use csv::Csv;
pub use json::Json;
pub use table::Table;
pub use yaml::Yaml;

/// Writes one result after the other.
pub trait Rows {
    /// A result with rows begins.
    ///
    /// # Errors
    /// When the output cannot be written, as for all below.
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()>;

    /// A row of it.
    ///
    /// # Errors
    /// See [`Rows::columns`].
    fn row(&mut self, values: Vec<Option<String>>) -> io::Result<()>;

    /// It is complete.
    ///
    /// # Errors
    /// See [`Rows::columns`].
    fn end(&mut self, tag: &str) -> io::Result<()>;

    /// A statement without rows is complete. Programs that read rows want no such line between.
    ///
    /// # Errors
    /// See [`Rows::columns`].
    fn command(&mut self, tag: &str) -> io::Result<()> {
        notes::note(tag);
        Ok(())
    }

    /// It stops in the middle, because Postgres met an error.
    ///
    /// # Errors
    /// See [`Rows::columns`].
    fn cut(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Bytes of a COPY, as they are.
    ///
    /// # Errors
    /// See [`Rows::columns`].
    fn raw(&mut self, data: &[u8]) -> io::Result<()>;

    /// Hands everything on that is complete.
    ///
    /// # Errors
    /// See [`Rows::columns`].
    fn flush(&mut self) -> io::Result<()>;
}

/// The writer of a format.
#[must_use]
pub fn writer(format: Format, out: impl Write + 'static) -> Box<dyn Rows> {
    match format {
        Format::Table => Box::new(Table::new(out)),
        Format::Csv => Box::new(Csv::new(out)),
        Format::Json => Box::new(Json::array(out)),
        Format::Ndjson => Box::new(Json::lines(out)),
        Format::Yaml => Box::new(Yaml::new(out)),
    }
}

/// Types by their OID in `pg_type`, which Postgres never changes.
mod oid {
    pub(super) const BOOL: u32 = 16;
    pub(super) const INT8: u32 = 20;
    pub(super) const INT2: u32 = 21;
    pub(super) const INT2_VECTOR: u32 = 22;
    pub(super) const INT4: u32 = 23;
    pub(super) const OID: u32 = 26;
    pub(super) const XID: u32 = 28;
    pub(super) const OID_VECTOR: u32 = 30;
    pub(super) const CID: u32 = 29;
    pub(super) const JSON: u32 = 114;
    pub(super) const FLOAT4: u32 = 700;
    pub(super) const FLOAT8: u32 = 701;
    pub(super) const MONEY: u32 = 790;
    pub(super) const BOOL_ARRAY: u32 = 1000;
    pub(super) const BOX_ARRAY: u32 = 1020;
    pub(super) const NUMERIC: u32 = 1700;
    pub(super) const JSONB: u32 = 3802;
    pub(super) const XID8: u32 = 5069;
}
