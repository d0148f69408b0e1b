//! The data of `COPY … FROM STDIN`, as it comes from the caller.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use postgres_protocol::message::frontend;
use tokio::sync::mpsc;

use super::error::QueryError;
use super::wire::Wire;

/// A piece of what the caller copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Some bytes of it.
    Data(Bytes),
    /// It is whole. Data that stops without this was cut, and nothing of it may stay.
    End,
}

/// Gives its data to one COPY, whole.
#[derive(Debug)]
pub struct CopySource {
    state: State,
}

#[derive(Debug)]
enum State {
    /// The caller has no data.
    Absent,
    /// The caller sends; we pass on. Full means that Postgres is slower.
    Ready(mpsc::Receiver<Piece>),
    /// A COPY is being fed.
    Feeding(mpsc::Receiver<Piece>),
    /// A COPY has taken it.
    Spent,
}

impl CopySource {
    /// Of a caller without data.
    #[must_use]
    pub fn absent() -> Self {
        Self { state: State::Absent }
    }

    /// Of a caller with data.
    #[must_use]
    pub fn new(pieces: mpsc::Receiver<Piece>) -> Self {
        Self { state: State::Ready(pieces) }
    }

    /// Postgres waits for data; false, and said to Postgres, if there is none.
    pub(super) fn begin(&mut self, wire: &mut Wire<'_>) -> Result<bool, QueryError> {
        let refusal = match std::mem::replace(&mut self.state, State::Spent) {
            State::Ready(pieces) => {
                self.state = State::Feeding(pieces);
                return Ok(true);
            }
            State::Absent => {
                self.state = State::Absent;
                "no data came with the query"
            }
            State::Feeding(_) | State::Spent => "another COPY has taken the data",
        };
        wire.put(|out| frontend::copy_fail(refusal, out))?;
        Ok(false)
    }

    /// What is left belongs to nobody: the COPY that took it is over.
    pub(super) fn stop(&mut self) {
        if matches!(self.state, State::Feeding(_)) {
            self.state = State::Spent;
        }
    }

    /// Waits for a piece, without end if no COPY is being fed. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Piece> {
        match &mut self.state {
            State::Feeding(pieces) => pieces.recv().await,
            State::Absent | State::Ready(_) | State::Spent => std::future::pending().await,
        }
    }

    /// Passes a piece on.
    pub(super) fn feed(
        &mut self,
        wire: &mut Wire<'_>,
        piece: Option<Piece>,
    ) -> Result<(), QueryError> {
        match piece {
            Some(Piece::Data(data)) => return wire.put(|out| copy_data(&data, out)),
            Some(Piece::End) => wire.put(|out| {
                frontend::copy_done(out);
                Ok(())
            })?,
            None => wire.put(|out| frontend::copy_fail("the data was cut off", out))?,
        }
        self.state = State::Spent;
        Ok(())
    }
}

fn copy_data(data: &[u8], out: &mut BytesMut) -> std::io::Result<()> {
    frontend::CopyData::new(data)?.write(out);
    Ok(())
}

/// What Postgres copies out, as text or base64.
pub(super) fn copied(data: Bytes, binary: bool) -> Result<String, QueryError> {
    if binary {
        return Ok(STANDARD.encode(data));
    }
    // A piece is a whole line, so that no character is cut in two.
    String::from_utf8(data.into()).map_err(|_not_text| QueryError::CopyNotUtf8)
}
