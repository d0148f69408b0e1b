//! A stream of JSON lines, read one at a time: what is not read yet stays with the daemon.

use std::marker::PhantomData;

use bytes::{Buf, BytesMut};
use serde::de::DeserializeOwned;

use super::error::Error;
use super::wire::Answer;

/// Lines of `T`. Dropping them ends the request.
#[derive(Debug)]
pub struct Lines<T> {
    answer: Answer,
    buffer: BytesMut,
    /// The bytes of `buffer` in which no line ends.
    searched: usize,
    what: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(answer: Answer) -> Self {
        Self { answer, buffer: BytesMut::new(), searched: 0, what: PhantomData }
    }

    /// The next line; none at the end. Safe to cancel.
    ///
    /// # Errors
    /// When the connection is cut, or a line is not a `T`.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        loop {
            while let Some(line) = self.buffered_line() {
                // Empty lines only keep the connection busy.
                if !line.is_empty() {
                    return self.parse(&line).map(Some);
                }
            }
            match self.answer.data().await? {
                Some(data) => self.buffer.extend_from_slice(&data),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(Error::Truncated),
            }
        }
    }

    fn buffered_line(&mut self) -> Option<BytesMut> {
        let fresh = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(offset) = fresh.iter().position(|&byte| byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.searched + offset);
        self.buffer.advance(1);
        self.searched = 0;
        Some(line)
    }

    fn parse(&self, line: &[u8]) -> Result<T, Error> {
        let status = self.answer.status();
        serde_json::from_slice(line).map_err(|source| Error::Unreadable { status, source })
    }
}
