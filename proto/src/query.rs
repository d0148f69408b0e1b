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
    /// What to do when Postgres refuses a statement.
    #[serde(default, skip_serializing_if = "OnError::is_stop")]
    pub on_error: OnError,
    /// Whether all of it happens, or nothing. Not together with `continue`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub single_transaction: bool,
}

impl QueryRequest {
    /// The longest SQL, in bytes. More than this is a dump, and belongs into psql.
    pub const LONGEST_SQL: usize = 4 << 20;

    /// As plain as can be.
    #[must_use]
    pub fn new(session: SessionId, sql: impl Into<String>) -> Self {
        Self { session, sql: sql.into(), on_error: OnError::Stop, single_transaction: false }
    }
}

/// What follows on a statement that Postgres refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// The end. The text goes to Postgres in one piece, which undoes what was done since the last
    /// COMMIT in it.
    #[default]
    Stop,
    /// The next statement. Each is sent, and takes effect, on its own.
    Continue,
    /// From a newer client.
    #[serde(other)]
    Unknown,
}

impl OnError {
    fn is_stop(&self) -> bool {
        *self == Self::Stop
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_false(value: &bool) -> bool {
    !value
}

/// One line of the answer. A statement gives `columns`, any number of `row`, then `complete`; a
/// statement without rows gives `complete` alone; `COPY … TO STDOUT` gives `copy-out`, any number
/// of `copy-data`, then `complete`. `error` ends the stream, unless the request says `continue` and
/// the error is Postgres' own (it has `server`). A stream that ends without `done` or `error` was
/// cut.
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
    /// `COPY … TO STDOUT` begins.
    CopyOut {
        /// Whether each `data` is base64 rather than text.
        binary: bool,
    },
    /// A piece of what it copies.
    CopyData {
        /// As Postgres sent it.
        data: String,
    },
    /// `COPY … FROM STDIN` waits for its data: the body of the request, behind its first line.
    CopyIn,
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
    /// What was under way: the line of a COPY, the functions that called each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}
