//! A client that is no client of Postgres, or half a one, or one that sends a byte at a time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;
use crate::postgres::{Refusal, RefusalKind, refuse};

/// Gives at most `step` bytes a read, and keeps what is written.
struct Client<'a> {
    sent: &'a [u8],
    step: usize,
    heard: Vec<u8>,
}

impl AsyncRead for Client<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, later) = self.sent.split_at(self.step.min(buf.remaining()).min(self.sent.len()));
        buf.put_slice(now);
        self.sent = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.heard.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn client(sent: &[u8], step: usize) -> Client<'_> {
    Client { sent, step, heard: Vec::new() }
}

/// What was read, and what was left.
fn read(sent: &[u8], step: usize) -> (Result<First, FirstError>, usize) {
    let mut client = client(sent, step);
    let first = read_packet(&mut client).now_or_never().expect("this client never lets us wait");
    (first, client.sent.len())
}

#[test]
fn fuzz_startup() {
    crate::fuzz::check("startup", |bytes| {
        let (step, sent) = bytes.split_first().map_or((1, bytes), |(step, sent)| (*step, sent));
        let (first, left) = read(sent, usize::from(step).max(1));
        let (whole, _) = read(sent, usize::MAX);
        match (first, whole) {
            (Ok(first), Ok(whole)) => {
                assert_eq!(first.kind(), whole.kind());
                let (kind, read) = (first.kind(), first.into_bytes());
                // Nothing is invented, and nothing taken that belongs to the server.
                assert_eq!([&read[..], &sent[sent.len() - left..]].concat(), sent);
                assert!(read.len() <= MAX_PACKET);
                assert_ne!(kind, FirstKind::Unread);
                if kind != FirstKind::DirectTls {
                    assert_eq!(whole.into_bytes(), read);
                    assert_eq!(read[..4], u32::try_from(read.len()).unwrap().to_be_bytes());
                }
            }
            (Err(FirstError::Closed), Err(FirstError::Closed)) => assert_eq!(left, 0),
            (Err(FirstError::NotPostgres), Err(FirstError::NotPostgres)) => {}
            (first, whole) => panic!("{first:?}, and as a whole {whole:?}"),
        }
    });
}

/// Whatever it says, it is told no to encryption a few times, then why it is turned away, once.
#[test]
fn fuzz_refusal() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    crate::fuzz::check("startup", |bytes| {
        let mut client = client(bytes, usize::MAX);
        let message = "sushi/DATABASE: the tunnel\0 is down";
        let refusal = Refusal { kind: RefusalKind::NotNow, message, hint: "wait" };
        runtime.block_on(refuse(&mut client, First::none(), refusal)).unwrap();
        let noes = client.heard.iter().take_while(|byte| **byte == b'N').count();
        let answer = &client.heard[noes..];
        assert!(noes <= 3, "{noes} times no");
        assert!(answer.is_empty() || answer.starts_with(b"E"), "{}", answer.escape_ascii());
        if let Some(length) = answer.get(1..5) {
            let length = u32::from_be_bytes(length.try_into().unwrap());
            assert_eq!(answer.len(), usize::try_from(length).unwrap() + 1);
            assert!(answer.ends_with(b"\0\0"));
        }
    });
}
