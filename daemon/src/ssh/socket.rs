//! The TCP connection under a link: ours, so that its options are ours and so is its end.

use std::io;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::{SockRef, Socket};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;

/// russh reads twice a packet; from here instead of from the system.
const READ_BUFFER: usize = 256 << 10;

/// What russh gets.
pub(super) type SshStream = BufReader<QuickAck>;

/// Connects to the first of the host's addresses that answers.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<(SshStream, SocketGuard)> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(&stream).set_tcp_user_timeout(Some(super::config::TCP_USER_TIMEOUT))?;
    let guard = SocketGuard(SockRef::from(&stream).try_clone()?);
    Ok((BufReader::with_capacity(READ_BUFFER, QuickAck(stream)), guard))
}

/// Shuts the connection down when dropped. russh's session task goes on when the future that
/// started it is dropped; without its socket it ends.
#[derive(Debug)]
pub(super) struct SocketGuard(Socket);

impl SocketGuard {
    /// Whether the server has sent what russh has not taken yet: then it is we who are slow.
    pub(super) fn has_unread(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        self.0.peek(&mut byte).is_ok_and(|length| length > 0)
    }

    /// Ends the connection in both directions.
    pub(super) fn shut_down(&self) {
        // An error says that it is gone already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Acknowledges at once what it reads. sshd leaves Nagle on for forwarded connections: it holds a
/// small answer back until the one before is acknowledged, and a delayed acknowledgement makes
/// that 40 ms. Linux forgets the option after each use.
#[derive(Debug)]
pub(super) struct QuickAck(TcpStream);

impl AsyncRead for QuickAck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        #[cfg(target_os = "linux")]
        if let Poll::Ready(Ok(())) = read {
            // It is slower without, not wrong.
            let _ = SockRef::from(&self.0).set_tcp_quickack(true);
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
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (SshStream, SocketGuard, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ours, theirs) = tokio::join!(connect("127.0.0.1", port), listener.accept());
        let (stream, guard) = ours.unwrap();
        (stream, guard, theirs.unwrap().0)
    }

    #[tokio::test]
    async fn the_guard_takes_the_connection_with_it() {
        let (mut stream, guard, mut peer) = pair().await;
        drop(guard);
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_waits_unread_is_seen() {
        let (mut stream, guard, mut peer) = pair().await;
        assert!(!guard.has_unread());
        peer.write_all(b"x").await.unwrap();
        stream.get_ref().0.readable().await.unwrap();
        assert!(guard.has_unread());
        assert_eq!(stream.read_u8().await.unwrap(), b'x');
        assert!(!guard.has_unread());
    }

    #[tokio::test]
    async fn the_options_are_set() {
        let (stream, _guard, _peer) = pair().await;
        let socket = SockRef::from(&stream.get_ref().0);
        assert!(socket.tcp_nodelay().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(
            socket.tcp_user_timeout().unwrap(),
            Some(super::super::config::TCP_USER_TIMEOUT)
        );
    }
}
