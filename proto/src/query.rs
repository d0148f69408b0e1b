//! `POST /v1/query`: SQL in, a stream of rows out, one JSON a line.

use serde::{Deserialize, Serialize};

use crate::error::ErrorDetail;
use crate::session::SessionId;

/// What to ask Postgres. Several statements may stand in one text; each gives its own result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryRequest {
    /// The session to ask through.
    pub session: SessionId,
    /// The SQL.
    pub sql: String,
}

/// One line of the answer. A statement gives `columns`, any number of `row`, then `complete`; a
/// statement without rows gives `complete` alone. `error` ends the stream. A stream that ends
/// without `done` or `error` was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum QueryEvent {
    /// A result with rows begins.
    Columns {
        /// In the order of the values.
        columns: Vec<Column>,
    },
    /// One row: each value in Postgres' own text form, null for NULL.
    Row {
        /// As many as there are columns.
        values: Vec<Option<String>>,
    },
    /// The statement is done.
    Complete {
        /// Postgres' command tag, `SELECT 1`.
        tag: String,
    },
    /// NOTICE, WARNING and the like.
    Notice {
        /// What Postgres says.
        notice: ServerMessage,
    },
    /// Postgres refuses, or the way to it failed; `detail` says which.
    Error {
        /// For programs and exit codes.
        detail: ErrorDetail,
        /// Postgres' own words, when it was Postgres.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerMessage>,
    },
    /// Everything was answered.
    Done,
    /// From a newer daemon.
    #[serde(other)]
    Unknown,
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name; names may repeat.
    pub name: String,
    /// The type's OID in `pg_type`.
    pub type_oid: u32,
}

/// How grave a message is, as Postgres ranks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// `DEBUG`
    Debug,
    /// `LOG`
    Log,
    /// `INFO`
    Info,
    /// `NOTICE`
    Notice,
    /// `WARNING`
    Warning,
    /// `ERROR`: the statement failed.
    Error,
    /// `FATAL`: the connection ends.
    Fatal,
    /// `PANIC`: the server ends.
    Panic,
    /// Any other word.
    #[serde(other)]
    Unknown,
}

/// An ErrorResponse or NoticeResponse of Postgres.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerMessage {
    /// Its rank.
    pub severity: Severity,
    /// SQLSTATE, five characters.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Postgres' advice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where in the SQL, in characters from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}
