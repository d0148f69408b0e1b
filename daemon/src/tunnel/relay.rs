//! Moves bytes between a local client and a channel until one side ends.
//!
//! Back-pressure is the absence of reading: what one side does not take, the other side is not
//! asked for. Half-close travels in both directions. A channel that is *lost* (not ended in
//! order) gives the client a reset and not a polite end, so that no client takes half an answer
//! for a whole one.

use std::future::pending;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use borealis_proto::Bytes as ByteCounts;
use bytes::{Buf, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::traits::{Channel, ChannelReader, ChannelWriter, Read};

/// Read from the local client at once: one SSH packet's worth.
const READ: usize = 32 * 1024;
/// Buffers handed to the kernel in one call.
const VECTORED: usize = 64;

/// The local side of a relay.
pub trait Local: Send {
    /// The half that is read.
    type Reader<'a>: AsyncRead + Unpin + Send
    where
        Self: 'a;
    /// The half that is written.
    type Writer<'a>: AsyncWrite + Unpin + Send
    where
        Self: 'a;

    /// Both halves, for use side by side.
    fn halves(&mut self) -> (Self::Reader<'_>, Self::Writer<'_>);

    /// Makes the coming drop look like what it is: a connection that broke.
    fn abort(&mut self);
}

impl Local for TcpStream {
    type Reader<'a> = tokio::net::tcp::ReadHalf<'a>;
    type Writer<'a> = tokio::net::tcp::WriteHalf<'a>;

    fn halves(&mut self) -> (Self::Reader<'_>, Self::Writer<'_>) {
        self.split()
    }

    fn abort(&mut self) {
        // A socket that refuses the option is closed politely, which is the next best thing.
        let _ = SockRef::from(&*self).set_linger(Some(Duration::ZERO));
    }
}

/// The daemon's own queries use a session as any client does, without a socket.
impl Local for DuplexStream {
    type Reader<'a> = tokio::io::ReadHalf<&'a mut DuplexStream>;
    type Writer<'a> = tokio::io::WriteHalf<&'a mut DuplexStream>;

    fn halves(&mut self) -> (Self::Reader<'_>, Self::Writer<'_>) {
        tokio::io::split(self)
    }

    fn abort(&mut self) {}
}

/// Bytes relayed, counted while they flow.
#[derive(Debug, Default)]
pub struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Traffic {
    /// What has flowed so far.
    #[must_use]
    pub fn snapshot(&self) -> ByteCounts {
        ByteCounts {
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
        }
    }
}

/// How a relay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayEnd {
    /// Postgres ended the connection, in order.
    Finished,
    /// The local client went away.
    ClientGone,
    /// The channel was lost under the connection.
    Lost,
    /// The session or the daemon is closing.
    Cancelled,
    /// The local client did not read, and held up others.
    Stalled,
}

/// Relays until one side ends or `cancel` fires. `first` was already read from the client.
pub async fn relay<L: Local>(
    local: &mut L,
    first: Bytes,
    channel: Channel,
    traffic: &Traffic,
    cancel: &CancellationToken,
) -> RelayEnd {
    let Channel { mut reader, mut writer, opening: _, cut } = channel;
    let end = {
        let (mut from_client, mut to_client) = local.halves();
        tokio::select! {
            end = down(&mut *reader, &mut to_client, traffic) => end,
            () = up(&mut from_client, first, &mut *writer, traffic) => RelayEnd::ClientGone,
            () = cancel.cancelled() => RelayEnd::Cancelled,
            () = cut.cancelled() => RelayEnd::Stalled,
        }
    };
    match end {
        RelayEnd::Lost | RelayEnd::Cancelled | RelayEnd::Stalled => local.abort(),
        RelayEnd::Finished | RelayEnd::ClientGone => {}
    }
    end
}

/// Postgres to client. Decides the end: what Postgres said last must get through.
async fn down(
    reader: &mut dyn ChannelReader,
    client: &mut (impl AsyncWrite + Unpin),
    traffic: &Traffic,
) -> RelayEnd {
    let mut batch = Vec::new();
    loop {
        match reader.read(&mut batch).await {
            Read::Data => {
                let size: usize = batch.iter().map(Bytes::len).sum();
                if write_all(client, &mut batch).await.is_err() {
                    return RelayEnd::ClientGone;
                }
                traffic.received.fetch_add(size as u64, Ordering::Relaxed);
            }
            Read::Eof => {
                if client.shutdown().await.is_err() {
                    return RelayEnd::ClientGone;
                }
                // The client may still have something to say; the channel's end is ours too.
                batch.clear();
                while reader.read(&mut batch).await != Read::Lost {
                    batch.clear();
                }
                return RelayEnd::Finished;
            }
            Read::Lost => return RelayEnd::Lost,
        }
    }
}

/// Client to Postgres. Returns when the client broke off; a polite end, and a channel that takes
/// no more, leave the decision to the other direction.
async fn up(
    client: &mut (impl AsyncRead + Unpin),
    first: Bytes,
    writer: &mut dyn ChannelWriter,
    traffic: &Traffic,
) {
    let mut next = first;
    let mut buffer = BytesMut::new();
    loop {
        if !next.is_empty() {
            let size = next.len() as u64;
            if writer.write(next).await.is_err() {
                return pending().await;
            }
            traffic.sent.fetch_add(size, Ordering::Relaxed);
        }
        buffer.reserve(READ);
        match client.read_buf(&mut buffer).await {
            Ok(0) => {
                // A channel that is gone needs no end.
                let _ = writer.finish().await;
                return pending().await;
            }
            Ok(_) => next = buffer.split().freeze(),
            Err(_reset) => return,
        }
    }
}

async fn write_all(
    client: &mut (impl AsyncWrite + Unpin),
    batch: &mut Vec<Bytes>,
) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = batch.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let slices: Vec<IoSlice<'_>> =
            rest.iter().take(VECTORED).map(|chunk| IoSlice::new(chunk)).collect();
        let mut written = client.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        for chunk in rest {
            let taken = written.min(chunk.len());
            chunk.advance(taken);
            written -= taken;
            if !chunk.is_empty() {
                break;
            }
            done += 1;
        }
    }
    batch.clear();
    Ok(())
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
