//! The daemon's own queries: log in, ask, and pass on what comes, a row at a time.
//!
//! This driver is ours because it streams: a row goes into a bounded queue with the text that
//! Postgres sent, and while that queue is full nothing is read, so that a large result needs no
//! memory here. It asks by the simple protocol, which takes several statements in one text and
//! answers each, and has the way of `COPY`.

mod copy;
mod error;
#[cfg(test)]
mod fuzz;
mod login;
mod message;
mod results;
mod script;
mod split;
mod tls;
mod wire;

use std::time::Duration;

use borealis_proto::{OnError, QueryEvent};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;

pub use copy::{CopySource, Piece};
pub use error::QueryError;
use results::Outcome;

use crate::secret::Secret;

/// From the first byte to being logged in. Queries themselves take what they take.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(15);

/// Who asks, and where.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// User name.
    pub user: &'a str,
    /// Its password.
    pub password: &'a Secret<String>,
    /// The database's name.
    pub database: &'a str,
}

/// What is asked, and how to go on.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Any number of statements.
    pub sql: &'a str,
    /// After a statement that Postgres refuses.
    pub on_error: OnError,
    /// All of it or nothing.
    pub single_transaction: bool,
}

impl<'a> Question<'a> {
    /// As plain as can be.
    #[must_use]
    pub fn new(sql: &'a str) -> Self {
        Self { sql, on_error: OnError::Stop, single_transaction: false }
    }
}

/// Names a backend to whoever wants to cancel its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendKey {
    process: u32,
    secret: u32,
}

/// How asking ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The last event was sent: `done`, or the error with which Postgres refused.
    Done,
    /// Nobody receives events any more, and the query may still run.
    CallerGone,
}

/// Logs in over `stream`, asks, and sends what is answered. `entered` hears which backend it is
/// before that is asked anything.
///
/// # Errors
/// When Postgres does not let us in, or the connection fails. The error was not sent as an event.
pub async fn run<S>(
    stream: S,
    login: Login<'_>,
    question: &Question<'_>,
    copy: &mut CopySource,
    events: mpsc::Sender<QueryEvent>,
    entered: impl FnOnce(BackendKey) + Send,
) -> Result<End, QueryError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let enter = login::enter(stream, login);
    let (mut wire, key) =
        timeout(LOGIN_TIMEOUT, enter).await.unwrap_or(Err(QueryError::TimedOut))?;
    entered(key);
    match script::play(&mut wire, question, copy, &events).await? {
        Outcome::Answered | Outcome::Refused | Outcome::Fatal => {
            wire.terminate().await;
            Ok(End::Done)
        }
        Outcome::CallerGone => Ok(End::CallerGone),
    }
}

/// The packet that stops what that backend is doing, for a connection of its own. Postgres answers
/// by closing that.
#[must_use]
pub fn cancel_request(key: &BackendKey) -> [u8; 16] {
    const LENGTH_AND_CODE: [u8; 8] = [0, 0, 0, 16, 4, 210, 22, 46];
    let mut packet = [0; 16];
    let words = [key.process.to_be_bytes(), key.secret.to_be_bytes()];
    let bytes = LENGTH_AND_CODE.iter().chain(words.as_flattened());
    packet.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    packet
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use postgres_protocol::message::frontend;

    use super::*;

    #[test]
    fn the_cancel_request_is_the_protocols() {
        let mut packet = BytesMut::new();
        frontend::cancel_request(4711, -2, &mut packet);
        let key = BackendKey { process: 4711, secret: u32::MAX - 1 };
        assert_eq!(cancel_request(&key), packet[..]);
    }
}
