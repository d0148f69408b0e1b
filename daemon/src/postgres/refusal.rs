//! What a client is told while there is no way to Postgres: in Postgres' own words, so that psql
//! prints it and pgAdmin shows it, instead of "server closed the connection unexpectedly".

use std::io;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::startup::{First, FirstError, FirstKind, read_first};

/// For the client to ask for encryption, be told no, and log in.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(5);
/// A client asks for GSSAPI, then for TLS, then logs in.
const MAX_REQUESTS: usize = 3;
/// Encryption is not to be had.
const NO: u8 = b'N';

/// Why a client is turned away, and what its user may do.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// For programs.
    pub kind: RefusalKind,
    /// What is wrong.
    pub message: &'a str,
    /// What to do.
    pub hint: &'a str,
}

/// Postgres' word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// `cannot_connect_now`: what Postgres says while it starts up. Clients take it for "try later".
    NotNow,
    /// `too_many_connections`.
    TooMany,
}

impl RefusalKind {
    fn sqlstate(self) -> &'static str {
        match self {
            Self::NotNow => "57P03",
            Self::TooMany => "53300",
        }
    }
}

/// Tells a client why it is turned away, and ends the connection. A cancel request gets no answer
/// from Postgres either, and direct TLS could not read one.
///
/// # Errors
/// When the client does not wait for it.
pub async fn refuse(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    first: First,
    refusal: Refusal<'_>,
) -> io::Result<()> {
    let talk = async {
        if asks_to_log_in(stream, first.kind()).await? {
            stream.write_all(&error_response(refusal)).await?;
        }
        stream.shutdown().await
    };
    timeout(REFUSAL_TIMEOUT, talk)
        .await
        .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
}

/// Says no to encryption until the client goes on without it, or goes.
async fn asks_to_log_in(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    mut kind: FirstKind,
) -> io::Result<bool> {
    for _ in 0..MAX_REQUESTS {
        match kind {
            FirstKind::Startup => return Ok(true),
            FirstKind::Cancel | FirstKind::DirectTls => return Ok(false),
            FirstKind::SslRequest | FirstKind::GssEncRequest => stream.write_all(&[NO]).await?,
            FirstKind::Unread => (),
        }
        kind = match read_first(stream).await {
            Ok(next) => next.kind(),
            Err(FirstError::Io(error)) => return Err(error),
            Err(FirstError::Closed | FirstError::TooSlow | FirstError::NotPostgres) => {
                return Ok(false);
            }
        };
    }
    Ok(kind == FirstKind::Startup)
}

/// The whole message, type and length included.
fn error_response(refusal: Refusal<'_>) -> Bytes {
    let mut fields = BytesMut::new();
    let mut field = |kind: u8, text: &str| {
        fields.put_u8(kind);
        // A zero would end the field.
        fields.extend(text.bytes().filter(|byte| *byte != 0));
        fields.put_u8(0);
    };
    field(b'S', "FATAL");
    field(b'V', "FATAL");
    field(b'C', refusal.kind.sqlstate());
    field(b'M', refusal.message);
    field(b'H', refusal.hint);
    fields.put_u8(0);
    let length = u32::try_from(fields.len()).unwrap_or(u32::MAX).saturating_add(4);
    let mut response = BytesMut::with_capacity(fields.len() + 5);
    response.put_u8(b'E');
    response.put_u32(length);
    response.put(fields);
    response.freeze()
}

#[cfg(test)]
mod tests {
    use fallible_iterator::FallibleIterator;
    use postgres_protocol::message::backend::Message;
    use postgres_protocol::message::frontend;
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::super::proof::SSL_REQUEST;
    use super::*;

    fn startup() -> BytesMut {
        let mut packet = BytesMut::new();
        frontend::startup_message([("user", "me")], &mut packet).unwrap();
        packet
    }

    const REFUSAL: Refusal<'_> = Refusal {
        kind: RefusalKind::NotNow,
        message: "sushi/DATABASE: the link\0 is down",
        hint: "borealisctl status",
    };

    /// What a client hears that says these packets and then listens.
    async fn heard(packets: &[&[u8]]) -> Vec<u8> {
        let (mut client, mut ours): (DuplexStream, _) = duplex(4096);
        for packet in packets {
            client.write_all(packet).await.unwrap();
        }
        let first = read_first(&mut ours).await.unwrap();
        refuse(&mut ours, first, REFUSAL).await.unwrap();
        drop(ours);
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        heard
    }

    fn fields(response: &[u8]) -> Vec<(char, String)> {
        let mut response = BytesMut::from(response);
        let Some(Message::ErrorResponse(body)) = Message::parse(&mut response).unwrap() else {
            panic!("no ErrorResponse")
        };
        assert!(response.is_empty());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        body.fields()
            .map(|field| Ok((char::from(field.type_()), text(field.value_bytes()))))
            .collect()
            .unwrap()
    }

    #[tokio::test]
    async fn a_login_is_told_why() {
        let response = heard(&[&startup()]).await;
        let expected = [
            ('S', "FATAL"),
            ('V', "FATAL"),
            ('C', "57P03"),
            ('M', "sushi/DATABASE: the link is down"),
            ('H', "borealisctl status"),
        ]
        .map(|(kind, text)| (kind, text.to_owned()));
        assert_eq!(fields(&response), expected);
    }

    #[test]
    fn a_want_of_room_has_a_word_of_its_own() {
        let refusal = Refusal { kind: RefusalKind::TooMany, ..REFUSAL };
        let response = error_response(refusal);
        assert_eq!(fields(&response)[2], ('C', "53300".to_owned()));
    }

    #[tokio::test]
    async fn encryption_is_declined_first() {
        const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];
        for asked in
            [&[&SSL_REQUEST[..], &startup()][..], &[&GSSENC_REQUEST[..], &SSL_REQUEST, &startup()]]
        {
            let heard = heard(asked).await;
            let (declined, response) = heard.split_at(asked.len() - 1);
            assert!(declined.iter().all(|byte| *byte == b'N'), "{declined:?}");
            assert_eq!(fields(response).len(), 5);
        }
    }

    #[tokio::test]
    async fn who_insists_on_encryption_goes_unanswered() {
        let (mut client, mut ours) = duplex(4096);
        client.write_all(&SSL_REQUEST).await.unwrap();
        let first = read_first(&mut ours).await.unwrap();
        let client = async move {
            assert_eq!(client.read_u8().await.unwrap(), b'N');
        };
        let (refused, ()) = tokio::join!(refuse(&mut ours, first, REFUSAL), client);
        // Whether the end is seen as such or as a broken pipe is the system's business.
        assert!(refused.is_ok() || refused.unwrap_err().kind() == io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn cancel_requests_and_direct_tls_get_nothing() {
        let cancel = [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 2];
        for packet in [&cancel[..], &[0x16, 3, 1, 2, 0, 1, 0, 1]] {
            assert_eq!(heard(&[packet]).await, b"");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_has_an_end() {
        let (mut client, mut ours) = duplex(4096);
        client.write_all(&SSL_REQUEST).await.unwrap();
        let first = read_first(&mut ours).await.unwrap();
        let error = refuse(&mut ours, first, REFUSAL).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
