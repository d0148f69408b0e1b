//! The first packet of a local client: enough of Postgres to turn browsers, port scanners and
//! noise away before they cost a channel and a backend.

use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// From accepting a client to its whole first packet.
const FIRST_TIMEOUT: Duration = Duration::from_secs(10);
/// What Postgres itself takes at most (`MAX_STARTUP_PACKET_LENGTH`), in bytes.
const MAX_PACKET: usize = 10_000;
/// Length and code, four bytes each, begin every packet.
const HEAD: usize = 8;
/// Content type of a TLS record with a ClientHello: `sslnegotiation=direct`, Postgres 17.
const TLS_HANDSHAKE: u8 = 0x16;

const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
/// Of protocol 3.x; the lower half is x.
const PROTOCOL_MAJOR: u32 = 3;
/// A key of four bytes; longer ones came with protocol 3.2.
const MIN_CANCEL: usize = 16;

/// What a client wants first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstKind {
    /// To be asked later: nothing was read.
    Unread,
    /// TLS, if the server has it.
    SslRequest,
    /// Kerberos encryption, if the server has it.
    GssEncRequest,
    /// That another connection's query stops.
    Cancel,
    /// To log in.
    Startup,
    /// TLS, without asking.
    DirectTls,
}

/// A first packet that was read, to be passed on or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    kind: FirstKind,
    bytes: Bytes,
}

impl First {
    /// Of a client that is trusted to speak Postgres.
    #[must_use]
    pub fn none() -> Self {
        Self { kind: FirstKind::Unread, bytes: Bytes::new() }
    }

    /// What the client wants.
    #[must_use]
    pub fn kind(&self) -> FirstKind {
        self.kind
    }

    /// As they were read, and nothing after them.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// Why a client is closed without an answer.
#[derive(Debug, thiserror::Error)]
pub enum FirstError {
    /// It went before it had said anything whole.
    #[error("the client left without a word")]
    Closed,
    /// It said too little for too long.
    #[error("the client sent no whole packet within {} s", FIRST_TIMEOUT.as_secs())]
    TooSlow,
    /// A browser, a scanner, noise.
    #[error("the client does not speak Postgres")]
    NotPostgres,
    /// The connection to it broke.
    #[error("the connection to the client broke")]
    Io(#[source] io::Error),
}

/// Reads exactly the first packet; of direct TLS, the few bytes that tell it.
///
/// # Errors
/// When there is nothing to be said to this client. See [`FirstError`].
pub async fn read_first(stream: &mut (impl AsyncRead + Unpin)) -> Result<First, FirstError> {
    within(FIRST_TIMEOUT, read_packet(stream)).await
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, FirstError>>,
) -> Result<T, FirstError> {
    timeout(limit, work).await.unwrap_or(Err(FirstError::TooSlow))
}

async fn read_packet(stream: &mut (impl AsyncRead + Unpin)) -> Result<First, FirstError> {
    let mut bytes = BytesMut::with_capacity(HEAD);
    let (kind, length) = loop {
        fill(stream, &mut bytes, HEAD).await?;
        if bytes.first() == Some(&TLS_HANDSHAKE) {
            return Ok(First { kind: FirstKind::DirectTls, bytes: bytes.freeze() });
        }
        if let Some(head) = bytes.first_chunk::<HEAD>() {
            break classify(*head).ok_or(FirstError::NotPostgres)?;
        }
    };
    while bytes.len() < length {
        fill(stream, &mut bytes, length).await?;
    }
    Ok(First { kind, bytes: bytes.freeze() })
}

/// One read, up to `length` bytes in all: what comes after them is not ours to take.
async fn fill(
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut BytesMut,
    length: usize,
) -> Result<(), FirstError> {
    let missing = length.saturating_sub(bytes.len()) as u64;
    match stream.take(missing).read_buf(bytes).await {
        Ok(0) => Err(FirstError::Closed),
        Ok(_) => Ok(()),
        Err(error) => Err(FirstError::Io(error)),
    }
}

/// Kind and length of the whole packet; `None` when no client of Postgres sends this.
fn classify(head: [u8; HEAD]) -> Option<(FirstKind, usize)> {
    let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).ok()?;
    if !(HEAD..=MAX_PACKET).contains(&length) {
        return None;
    }
    let kind = match u32::from_be_bytes([c0, c1, c2, c3]) {
        SSL_REQUEST if length == HEAD => FirstKind::SslRequest,
        GSSENC_REQUEST if length == HEAD => FirstKind::GssEncRequest,
        CANCEL_REQUEST if length >= MIN_CANCEL => FirstKind::Cancel,
        code if code >> 16 == PROTOCOL_MAJOR => FirstKind::Startup,
        _ => return None,
    };
    Some((kind, length))
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn packet(code: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEAD + body.len()).unwrap();
        [&length.to_be_bytes()[..], &code.to_be_bytes(), body].concat()
    }

    async fn read(bytes: &[u8]) -> Result<First, FirstError> {
        read_first(&mut &*bytes).await
    }

    #[tokio::test]
    async fn what_clients_send() {
        for (kind, bytes) in [
            (FirstKind::SslRequest, packet(SSL_REQUEST, b"")),
            (FirstKind::GssEncRequest, packet(GSSENC_REQUEST, b"")),
            (FirstKind::Cancel, packet(CANCEL_REQUEST, b"pid.key.")),
            (FirstKind::Cancel, packet(CANCEL_REQUEST, &[7; 36])),
            (FirstKind::Startup, packet(3 << 16, b"user\0me\0\0")),
            (FirstKind::Startup, packet((3 << 16) + 2, b"user\0me\0\0")),
            (FirstKind::Startup, packet(3 << 16, &[b'x'; MAX_PACKET - HEAD])),
        ] {
            let first = read(&bytes).await.unwrap();
            assert_eq!(first.kind(), kind);
            assert_eq!(first.into_bytes(), bytes);
        }
    }

    #[tokio::test]
    async fn what_others_send() {
        for bytes in [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"POST /v1/query HTTP/1.1\r\n".to_vec(),
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            vec![0; 64],
            vec![0xff; 64],
            packet(2 << 16, b""),
            packet(SSL_REQUEST, b"more"),
            packet(CANCEL_REQUEST, b"short"),
            packet(3 << 16, &[b'x'; MAX_PACKET - HEAD + 1]),
        ] {
            let error = read(&bytes).await.unwrap_err();
            assert!(matches!(error, FirstError::NotPostgres), "{error:?}");
        }
    }

    #[tokio::test]
    async fn direct_tls_is_known_by_its_first_byte() {
        let hello = [TLS_HANDSHAKE, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
        let first = read(&hello).await.unwrap();
        assert_eq!(first.kind(), FirstKind::DirectTls);
        assert!(hello.starts_with(&first.into_bytes()));
    }

    #[tokio::test]
    async fn an_end_in_the_middle_is_no_packet() {
        let whole = packet(3 << 16, b"user\0me\0\0");
        for length in 0..whole.len() {
            let error = read(&whole[..length]).await.unwrap_err();
            assert!(matches!(error, FirstError::Closed), "{length}: {error:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_has_an_end() {
        let (mut client, mut ours) = tokio::io::duplex(64);
        client.write_all(&packet(3 << 16, b"user")[..9]).await.unwrap();
        let error = read_first(&mut ours).await.unwrap_err();
        assert!(matches!(error, FirstError::TooSlow), "{error:?}");
    }

    proptest! {
        #[test]
        fn exactly_the_packet_is_read(body in prop::collection::vec(any::<u8>(), 0..300),
                                      rest in prop::collection::vec(any::<u8>(), 0..300)) {
            let packet = packet(3 << 16, &body);
            let sent = [&packet[..], &rest].concat();
            let mut left = &sent[..];
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let first = runtime.unwrap().block_on(read_first(&mut left)).unwrap();
            prop_assert_eq!(first.into_bytes(), packet);
            prop_assert_eq!(left, &rest[..]);
        }

        #[test]
        fn no_head_breaks_the_parser(head in any::<[u8; HEAD]>()) {
            if let Some((_, length)) = classify(head) {
                prop_assert!((HEAD..=MAX_PACKET).contains(&length));
            }
        }
    }
}
