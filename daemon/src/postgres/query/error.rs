//! Why a query of our own was not answered.

use std::io;

use borealis_proto::{ErrorCode, ErrorDetail, QueryEvent, ServerMessage};

use super::LOGIN_TIMEOUT;

/// None of them holds a secret: Postgres does not repeat a password.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Postgres says no, before or after the login.
    #[error("{}", .0.message)]
    Server(Box<ServerMessage>),
    /// No login within its time.
    #[error("Postgres did not let us in within {} s", LOGIN_TIMEOUT.as_secs())]
    TimedOut,
    /// The way to Postgres broke.
    #[error("the connection to Postgres was lost")]
    Lost(#[source] io::Error),
    /// TLS was offered and failed.
    #[error("TLS to Postgres failed")]
    Tls(#[source] io::Error),
    /// It would go through the tunnel readable for whoever runs the SSH server.
    #[error("Postgres asks for the password in the clear, without TLS")]
    ClearPassword,
    /// Kerberos and the like.
    #[error("Postgres asks for a way to log in that is not supported: {0}")]
    Authentication(&'static str),
    /// What came is not the protocol.
    #[error("what answers does not speak Postgres' protocol: {0}")]
    Protocol(String),
    /// Passing it on as text would change it.
    #[error("column {column} of a row is not valid UTF-8")]
    NotUtf8 {
        /// From 1.
        column: usize,
    },
    /// The same bytes may be valid in both, and mean something else.
    #[error("the SQL changes client_encoding to {0}: only UTF8 is supported")]
    ClientEncoding(String),
    /// Passing it on as text would change it.
    #[error("what COPY … TO STDOUT gives is not valid UTF-8")]
    CopyNotUtf8,
    /// Postgres reads texts up to a zero byte.
    #[error("the SQL has a zero byte in it")]
    ZeroByte,
}

impl QueryError {
    /// Whether Postgres does not accept user or password (SQLSTATE class 28).
    #[must_use]
    pub fn is_login_refused(&self) -> bool {
        matches!(self, Self::Server(message) if message.code.starts_with("28"))
    }

    /// For people and exit codes.
    #[must_use]
    pub fn detail(&self) -> ErrorDetail {
        let (code, retryable) = match self {
            Self::Server(message) => return server_detail(message),
            Self::TimedOut | Self::Lost(_) | Self::Tls(_) => (ErrorCode::DatabaseUnreachable, true),
            Self::ClearPassword | Self::Authentication(_) | Self::Protocol(_) => {
                (ErrorCode::DatabaseUnreachable, false)
            }
            Self::NotUtf8 { .. } | Self::ClientEncoding(_) | Self::CopyNotUtf8 => {
                (ErrorCode::QueryFailed, false)
            }
            Self::ZeroByte => (ErrorCode::BadRequest, false),
        };
        ErrorDetail {
            code,
            message: self.to_string(),
            hint: self.hint(),
            retryable,
            choices: Vec::new(),
        }
    }

    /// As the last event of a stream.
    #[must_use]
    pub fn into_event(self) -> QueryEvent {
        let detail = self.detail();
        let server = if let Self::Server(message) = self { Some(*message) } else { None };
        QueryEvent::Error { detail, server }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotUtf8 { .. } => "select it as bytea, or convert it with convert_from()",
            Self::CopyNotUtf8 => "add (encoding 'UTF8'), or (format binary)",
            Self::Server(_)
            | Self::TimedOut
            | Self::Lost(_)
            | Self::Tls(_)
            | Self::ClearPassword
            | Self::Authentication(_)
            | Self::Protocol(_)
            | Self::ClientEncoding(_)
            | Self::ZeroByte => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<io::Error> for QueryError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// What Postgres says, with its own hint.
pub(super) fn server_detail(message: &ServerMessage) -> ErrorDetail {
    ErrorDetail {
        code: ErrorCode::QueryFailed,
        message: message.message.clone(),
        hint: message.hint.clone(),
        retryable: passes_by_itself(&message.code),
        choices: Vec::new(),
    }
}

/// Serialization and deadlock, connections, resources, and a server that starts or stops.
fn passes_by_itself(sqlstate: &str) -> bool {
    matches!(sqlstate, "40001" | "40P01" | "57P01" | "57P02" | "57P03")
        || sqlstate.starts_with("08")
        || sqlstate.starts_with("53")
}

#[cfg(test)]
mod tests {
    use borealis_proto::Severity;

    use super::*;

    fn server(code: &str) -> QueryError {
        QueryError::Server(Box::new(ServerMessage {
            severity: Severity::Fatal,
            code: code.to_owned(),
            message: "no".to_owned(),
            detail: None,
            hint: None,
            position: None,
            context: None,
        }))
    }

    #[test]
    fn what_passes_and_what_is_a_bad_login() {
        for (code, retryable, login) in [
            ("28P01", false, true),
            ("28000", false, true),
            ("53300", true, false),
            ("57P03", true, false),
            ("57014", false, false),
            ("42P01", false, false),
        ] {
            let error = server(code);
            assert_eq!(error.is_login_refused(), login, "{code}");
            assert_eq!(error.detail().retryable, retryable, "{code}");
            assert!(matches!(error.into_event(), QueryEvent::Error { server: Some(_), .. }));
        }
    }
}
