//! The server at the far end of the bulk measurements: says just enough of Postgres' protocol to be
//! let through by whoever looks at the first packet, then gives, takes or holds.
//!
//! A start packet whose user is `give-N` is answered with N bytes, `take` with the number of bytes
//! that came before the end of file, and `hold` with nothing until the client goes.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// One write or read.
const PIECE: usize = 256 * 1024;
/// The code of an `SSLRequest`, instead of a protocol's version.
const SSL_REQUEST: u32 = 80_877_103;
/// Of what we accept as a first packet, in bytes.
const LONGEST: usize = 10_000;

/// Ends with its owner.
pub(super) struct FarEnd {
    port: u16,
    _end: DropGuard,
}

/// What a client wants; as the user's name in its start packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// So many bytes.
    Give(u64),
    /// To send until the end of file, and to hear how many came.
    Take,
    /// To be there.
    Hold,
}

impl FarEnd {
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let end = CancellationToken::new();
        let tasks = TaskTracker::new();
        let accepting = accept(listener, tasks.clone(), end.clone());
        tasks.spawn(end.clone().run_until_cancelled_owned(accepting));
        Ok(Self { port, _end: end.drop_guard() })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

async fn accept(listener: TcpListener, tasks: TaskTracker, end: CancellationToken) {
    let zeros: Arc<[u8]> = vec![0; PIECE].into();
    while let Ok((stream, _)) = listener.accept().await {
        let serving = serve(stream, zeros.clone());
        let serving = async move {
            // A client that goes away is no failure of ours.
            let _gone = serving.await;
        };
        tasks.spawn(end.clone().run_until_cancelled_owned(serving));
    }
}

async fn serve(mut stream: TcpStream, zeros: Arc<[u8]>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(wish) = first(&mut stream).await? else { return Ok(()) };
    match wish {
        Wish::Give(bytes) => {
            let mut rest = bytes;
            while rest > 0 {
                let size = usize::try_from(rest).unwrap_or(PIECE).min(PIECE);
                stream.write_all(zeros.get(..size).unwrap_or_default()).await?;
                rest -= size as u64;
            }
            stream.shutdown().await
        }
        Wish::Take => {
            let count = drain(&mut stream).await?;
            stream.write_all(&count.to_be_bytes()).await?;
            stream.shutdown().await
        }
        Wish::Hold => drain(&mut stream).await.map(drop),
    }
}

/// How many bytes come before the end of file.
pub(super) async fn drain(stream: &mut TcpStream) -> std::io::Result<u64> {
    let mut buffer = vec![0; PIECE];
    let mut count = 0;
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(count),
            read => count += read as u64,
        }
    }
}

/// `None`: it wanted nothing that we have.
async fn first(stream: &mut TcpStream) -> std::io::Result<Option<Wish>> {
    loop {
        let length = stream.read_u32().await? as usize;
        let code = stream.read_u32().await?;
        let mut rest = vec![0; length.clamp(8, LONGEST) - 8];
        stream.read_exact(&mut rest).await?;
        if code != SSL_REQUEST {
            return Ok(Wish::read(&rest));
        }
        stream.write_all(b"N").await?;
    }
}

impl Wish {
    /// The start packet that says it.
    pub(super) fn packet(self) -> Vec<u8> {
        let user = match self {
            Self::Give(bytes) => format!("give-{bytes}"),
            Self::Take => "take".to_owned(),
            Self::Hold => "hold".to_owned(),
        };
        let body = [&196_608_u32.to_be_bytes()[..], b"user\0", user.as_bytes(), b"\0\0"].concat();
        let length = u32::try_from(body.len() + 4).unwrap_or_default();
        [&length.to_be_bytes()[..], &body].concat()
    }

    fn read(parameters: &[u8]) -> Option<Self> {
        let user = parameters.strip_prefix(b"user\0")?.split(|byte| *byte == 0).next()?;
        match std::str::from_utf8(user).ok()? {
            "take" => Some(Self::Take),
            "hold" => Some(Self::Hold),
            other => other.strip_prefix("give-")?.parse().ok().map(Self::Give),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn say(wish: Wish) -> (FarEnd, TcpStream) {
        let end = FarEnd::start().await.unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", end.port())).await.unwrap();
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'N', "an SSLRequest has an answer");
        stream.write_all(&wish.packet()).await.unwrap();
        (end, stream)
    }

    #[tokio::test]
    async fn gives_what_is_asked_for() {
        let (_end, mut stream) = say(Wish::Give(1_000_001)).await;
        assert_eq!(drain(&mut stream).await.unwrap(), 1_000_001);
    }

    #[tokio::test]
    async fn counts_what_it_takes() {
        let (_end, mut stream) = say(Wish::Take).await;
        stream.write_all(&[7; 700_000]).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read_u64().await.unwrap(), 700_000);
    }
}
