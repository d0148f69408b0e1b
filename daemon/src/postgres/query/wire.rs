//! Messages over a stream, in both directions.

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::backend::{Header, Message};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::QueryError;

/// A type and a length stand before each message; the length counts itself, but not the type.
const TYPE: usize = 1;
/// Postgres' own limit for a row is a gibibyte (`MaxAllocSize`).
const MAX_MESSAGE: usize = 1 << 30;

/// What a connection runs over, encrypted or not.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for S {}

/// A connection to Postgres.
pub(super) struct Wire<'a> {
    stream: Box<dyn Transport + 'a>,
    incoming: BytesMut,
    outgoing: BytesMut,
    /// Something was put and is not flushed yet.
    unsent: bool,
}

impl<'a> Wire<'a> {
    pub(super) fn new(stream: Box<dyn Transport + 'a>) -> Self {
        Self { stream, incoming: BytesMut::new(), outgoing: BytesMut::new(), unsent: false }
    }

    /// The next message. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Message, QueryError> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(message);
            }
            let read = self.stream.read_buf(&mut self.incoming).await?;
            at_least_one(read)?;
        }
    }

    /// A message that is here already.
    pub(super) fn take(&mut self) -> Result<Option<Message>, QueryError> {
        if !self.has_whole_message()? {
            return Ok(None);
        }
        Message::parse(&mut self.incoming).map_err(malformed)
    }

    /// Queues what `build` puts together, for [`Wire::exchange`] to send.
    pub(super) fn put(
        &mut self,
        build: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> Result<(), QueryError> {
        self.unsent = true;
        build(&mut self.outgoing).map_err(malformed)
    }

    /// Whether something that was put waits to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        self.unsent
    }

    /// Sends what was put, or receives something, whichever is possible first: Postgres may stop
    /// reading until we have read what it says. Cancel-safe.
    pub(super) async fn exchange(&mut self) -> Result<(), QueryError> {
        let Self { stream, incoming, outgoing, unsent } = self;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let send = async {
            if *unsent {
                // What is written leaves the buffer, also when this is dropped half way.
                writer.write_all_buf(outgoing).await?;
                writer.flush().await
            } else {
                std::future::pending().await
            }
        };
        let read = tokio::select! {
            sent = send => {
                sent?;
                *unsent = false;
                return Ok(());
            }
            read = reader.read_buf(incoming) => read?,
        };
        at_least_one(read)
    }

    /// Sends what `build` puts together.
    pub(super) async fn send(
        &mut self,
        build: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> Result<(), QueryError> {
        build(&mut self.outgoing).map_err(malformed)?;
        self.stream.write_all_buf(&mut self.outgoing).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Queues a question.
    pub(super) fn query(&mut self, sql: &str) -> Result<(), QueryError> {
        if sql.contains('\0') {
            return Err(QueryError::ZeroByte);
        }
        self.put(|out| frontend::query(sql, out))
    }

    /// Says goodbye. Everything was answered, so it does not matter whether it gets there.
    pub(super) async fn terminate(&mut self) {
        let said = self.send(|out| {
            frontend::terminate(out);
            Ok(())
        });
        if said.await.is_ok() {
            let _ = self.stream.shutdown().await;
        }
    }

    /// Looked at before the parser does, which would reserve whatever length is claimed.
    fn has_whole_message(&self) -> Result<bool, QueryError> {
        let Some(header) = Header::parse(&self.incoming).map_err(malformed)? else {
            return Ok(false);
        };
        let length = usize::try_from(header.len()).unwrap_or(usize::MAX);
        if length > MAX_MESSAGE {
            return Err(QueryError::Protocol(format!("a message of {length} bytes")));
        }
        Ok(self.incoming.len() >= length + TYPE)
    }
}

fn at_least_one(read: usize) -> Result<(), QueryError> {
    if read == 0 {
        return Err(QueryError::Lost(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(())
}

/// For what the protocol crate finds wrong.
pub(super) fn malformed(error: io::Error) -> QueryError {
    QueryError::Protocol(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads all messages of a server that says this and hangs up.
    fn read_all(bytes: &[u8]) -> (usize, QueryError) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let stream = tokio::io::join(bytes, tokio::io::sink());
            let mut wire = Wire::new(Box::new(stream));
            let mut count = 0;
            loop {
                match wire.next().await {
                    Ok(_) => count += 1,
                    Err(error) => return (count, error),
                }
            }
        })
    }

    #[test]
    fn messages_are_cut_where_they_end() {
        let (count, error) = read_all(b"Z\0\0\0\x05I1\0\0\0\x042\0\0\0");
        assert_eq!(count, 2);
        assert!(matches!(error, QueryError::Lost(_)), "{error:?}");
    }

    #[test]
    fn a_claimed_length_is_not_believed() {
        for head in [&b"D\xff\xff\xff\xff"[..], b"D\x7f\xff\xff\xff", b"D\0\0\0\x03"] {
            let (count, error) = read_all(head);
            assert_eq!(count, 0);
            assert!(matches!(error, QueryError::Protocol(_)), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            read_all(&bytes);
        }
    }
}
