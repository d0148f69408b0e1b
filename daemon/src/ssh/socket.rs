//! The TCP connection under a link: ours, so that its options are ours and so is its end.

use std::io;
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::select_ok;
use socket2::{SockRef, Socket};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::Instant;

use crate::platform;

/// russh reads twice a packet; from here instead of from the system.
const READ_BUFFER: usize = 256 << 10;
/// Before the next of a host's addresses is tried beside those that have not answered. Longer than
/// a long way there and back: a server sees no connections that nobody wants.
const NEXT_ADDRESS: Duration = Duration::from_secs(1);

/// What russh gets.
pub(super) type SshStream = BufReader<QuickAck>;

/// Connects to the first of the host's addresses that answers.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<(SshStream, Arc<SocketGuard>)> {
    let stream = first_to_answer(lookup_host((host, port)).await?).await?;
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(&stream).set_tcp_user_timeout(Some(super::config::TCP_USER_TIMEOUT))?;
    let counts = Arc::new(Counts::default());
    let guard = Arc::new(SocketGuard {
        socket: SockRef::from(&stream).try_clone()?,
        ends: (stream.local_addr()?, stream.peer_addr()?),
        counts: counts.clone(),
    });
    let stream = QuickAck { stream, counts, said: 0 };
    Ok((BufReader::with_capacity(READ_BUFFER, stream), guard))
}

/// Says who we are, and waits for the server to do so. Returns how long it took: about the time
/// there and back, also where something in between has answered the handshake for the server.
///
/// This is done here because russh has to be told its windows before it begins, and costs no round
/// trip: russh says the same a moment later, and that is not sent again.
pub(super) async fn greet(stream: &mut SshStream, id: &str) -> io::Result<Duration> {
    let greeting = format!("{id}\r\n");
    let begun = Instant::now();
    stream.write_all(greeting.as_bytes()).await?;
    stream.get_mut().said = greeting.len();
    // What is read stays in the buffer. The end of it is for russh to find.
    stream.fill_buf().await?;
    Ok(begun.elapsed())
}

/// One address that is dead must not stand before one that is not. Dropping it ends all tries.
async fn first_to_answer(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let tries: Vec<_> =
        (0..).zip(addresses).map(|(place, at)| Box::pin(try_at(place, at))).collect();
    if tries.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(select_ok(tries).await?.0)
}

async fn try_at(place: u32, address: SocketAddr) -> io::Result<TcpStream> {
    tokio::time::sleep(NEXT_ADDRESS * place).await;
    TcpStream::connect(address).await
}

/// Bytes that russh has read and written so far.
#[derive(Debug, Default)]
struct Counts {
    read: AtomicU64,
    written: AtomicU64,
}

/// How far a connection has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    read: u64,
    /// What the other side has acknowledged; where the system does not tell, what it took from us.
    arrived: u64,
    /// What has not arrived yet.
    under_way: u64,
}

impl Progress {
    /// Whether the network carried something since `before` that was in the way of a question
    /// asked then, or of its answer. That the question itself arrived is no sign of life: a kernel
    /// acknowledges for a program that is dead.
    pub(super) fn moved_since(self, before: Self) -> bool {
        self.read > before.read || (before.under_way > 0 && self.arrived > before.arrived)
    }
}

/// Shuts the connection down when dropped. russh's session task goes on when the future that
/// started it is dropped; without its socket it ends.
#[derive(Debug)]
pub(super) struct SocketGuard {
    socket: Socket,
    /// Ours and theirs.
    ends: (SocketAddr, SocketAddr),
    counts: Arc<Counts>,
}

impl SocketGuard {
    /// Whether the server has sent what russh has not taken yet: then it is we who are slow.
    pub(super) fn has_unread(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        self.socket.peek(&mut byte).is_ok_and(|length| length > 0)
    }

    /// How far it has got.
    pub(super) fn progress(&self) -> Progress {
        let (read, written) = (&self.counts.read, &self.counts.written);
        let under_way = platform::unacknowledged(self.ends.0, self.ends.1).unwrap_or(0);
        Progress {
            read: read.load(Ordering::Relaxed),
            arrived: written.load(Ordering::Relaxed).saturating_sub(under_way),
            under_way,
        }
    }

    /// Ends the connection in both directions.
    pub(super) fn shut_down(&self) {
        // An error says that it is gone already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Resolves when the connection was reset, also when nobody reads from it. Never when there is no
/// connection any more.
#[cfg(unix)]
pub(super) async fn broken(guard: &Weak<SocketGuard>) -> io::Error {
    use tokio::io::Interest;

    // A descriptor of its own, for as long as it is asked: the other one is its reader's.
    let socket = guard.upgrade().and_then(|guard| guard.socket.try_clone().ok());
    let watched = socket.and_then(|socket| TcpStream::from_std(socket.into()).ok());
    let Some(watched) = watched else { return std::future::pending().await };
    loop {
        if let Err(error) = watched.ready(Interest::ERROR).await {
            return error;
        }
        if let Ok(Some(error)) = watched.take_error() {
            return error;
        }
        // It was no error after all: forget that it seemed to be ready.
        let _ = watched.try_io(Interest::ERROR, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    }
}

/// There a reset is noticed by the next read.
#[cfg(not(unix))]
pub(super) async fn broken(_: &Weak<SocketGuard>) -> io::Error {
    std::future::pending().await
}

/// Acknowledges at once what it reads. sshd leaves Nagle on for forwarded connections: it holds a
/// small answer back until the one before is acknowledged, and a delayed acknowledgement makes
/// that 40 ms. Linux forgets the option after each use.
#[derive(Debug)]
pub(super) struct QuickAck {
    stream: TcpStream,
    counts: Arc<Counts>,
    /// How much of what russh is about to write was sent already.
    said: usize,
}

impl AsyncRead for QuickAck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = read {
            self.counts.read.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
            #[cfg(target_os = "linux")]
            // It is slower without, not wrong.
            let _ = SockRef::from(&self.stream).set_tcp_quickack(true);
        }
        read
    }
}

impl AsyncWrite for QuickAck {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.said > 0 {
            let again = self.said.min(buf.len());
            self.said -= again;
            return Poll::Ready(Ok(again));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(size)) = written {
            self.counts.written.fetch_add(size as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
