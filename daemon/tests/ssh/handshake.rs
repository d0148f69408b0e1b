//! Servers that never get as far as a login. Each is an end within its time, with a reason that a
//! terminal can be trusted with, and none is taken for a refused key or for a false host.

use std::sync::Arc;
use std::time::Duration;

use borealisd::fault::Fault;
use borealisd::tunnel::ConnectError;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::bench::*;
use crate::support::PATIENCE;

const BANNER: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";
/// More than the longest step of a handshake may take, on a busy machine.
const STEP: Duration = Duration::from_secs(25);
/// What the kernel of either side may hold, beside what we read.
const BUFFERED: usize = 16 << 20;

type Manners = fn(&mut TcpStream) -> BoxFuture<'_, std::io::Result<()>>;

/// What came of it, and after how long. The other end sees that we are gone.
async fn meet(bench: &Bench, manners: Manners) -> (ConnectError, Duration) {
    let (gone_in, mut gone) = mpsc::channel(1);
    let port = listener(&TaskTracker::new(), move |mut stream: TcpStream| {
        let gone = gone_in.clone();
        async move {
            // A server that is hung up on has had its say.
            let _ = manners(&mut stream).await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            gone.send(()).await.unwrap();
        }
    })
    .await;
    let began = Instant::now();
    let error = bench.connect_with(bench.credentials_at(port, bench.sshd.host_key())).await;
    let (error, took) = (error.err().unwrap(), began.elapsed());
    timeout(PATIENCE, gone.recv()).await.unwrap().unwrap();
    let failure = error.failure();
    assert_eq!(failure.fault, Fault::Transient, "{error}");
    let said = failure.reason.message;
    assert!(!said.chars().any(char::is_control) && said.chars().count() < 400, "{said:?}");
    (error, took)
}

async fn put(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await
}

/// Until the other side has said this much.
async fn hear(stream: &mut TcpStream, bytes: usize) -> std::io::Result<()> {
    stream.read_exact(&mut vec![0; bytes]).await.map(|_| ())
}

/// A packet that says it is one of KEXINIT, and is not all there.
const HALF_KEXINIT: &[u8] = &[0, 0, 4, 0, 8, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9];

#[tokio::test]
async fn servers_that_say_nothing_more_are_given_up_in_time() {
    let bench = Arc::new(Bench::new().await);
    let manners: [(&str, Manners); 4] = [
        ("nothing at all", |_| async { Ok(()) }.boxed()),
        ("a banner", |stream| put(stream, BANNER).boxed()),
        ("half a KEXINIT", |stream| {
            async {
                put(stream, BANNER).await?;
                put(stream, HALF_KEXINIT).await
            }
            .boxed()
        }),
        ("a byte a second", |stream| {
            async {
                loop {
                    put(stream, b"S").await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            .boxed()
        }),
    ];
    let met = manners.map(|(word, manners)| {
        let bench = bench.clone();
        async move { (word, meet(&bench, manners).await) }
    });
    for (word, (error, took)) in futures_util::future::join_all(met).await {
        assert!(took < STEP, "{word}: {took:?}");
        let step = matches!(error, ConnectError::TimedOut { step: "exchanging keys", .. });
        assert!(step, "{word}: {error}");
    }
}

#[tokio::test]
async fn servers_that_speak_something_else_are_found_out_at_once() {
    let bench = Bench::new().await;
    let manners: [(&str, Manners); 4] = [
        ("megabytes without an end of line", |stream| {
            async {
                let mut written = 0;
                while written < 4 * BUFFERED {
                    put(stream, &[b'A'; 64 << 10]).await?;
                    written += 64 << 10;
                }
                panic!("all of it was taken")
            }
            .boxed()
        }),
        ("binary", |stream| async { put(stream, &pattern(1 << 20)).await }.boxed()),
        ("lines without end", |stream| {
            async {
                loop {
                    put(stream, b"\x1b[2Jwelcome\r\n").await?;
                }
            }
            .boxed()
        }),
        ("a banner as long as a book", |stream| {
            async {
                put(stream, b"SSH-2.0-").await?;
                put(stream, &[b'A'; 64 << 10]).await?;
                put(stream, b"\r\n").await
            }
            .boxed()
        }),
    ];
    for (word, manners) in manners {
        let (error, took) = meet(&bench, manners).await;
        assert!(took < PROMPT, "{word}: {took:?}");
        assert!(error.to_string().contains("does not speak SSH"), "{word}: {error}");
    }
}

#[tokio::test]
async fn servers_that_close_at_any_stage_are_just_unwell() {
    let bench = Bench::new().await;
    let manners: [(&str, Manners); 6] = [
        ("at once", |stream| stream.shutdown().boxed()),
        ("after our banner", |stream| {
            async {
                hear(stream, 8).await?;
                stream.shutdown().await
            }
            .boxed()
        }),
        ("after its banner", |stream| {
            async {
                put(stream, BANNER).await?;
                stream.shutdown().await
            }
            .boxed()
        }),
        ("in the key exchange", |stream| {
            async {
                put(stream, BANNER).await?;
                hear(stream, 200).await?;
                put(stream, HALF_KEXINIT).await?;
                stream.shutdown().await
            }
            .boxed()
        }),
        ("with a page of HTML", |stream| {
            async {
                put(stream, b"HTTP/1.1 400 Bad Request\r\nServer: \x1b[2J\r\n\r\n<html>").await?;
                stream.shutdown().await
            }
            .boxed()
        }),
        ("with a packet of four gigabytes", |stream| {
            async {
                put(stream, BANNER).await?;
                put(stream, &[0xff; 64]).await
            }
            .boxed()
        }),
    ];
    for (word, manners) in manners {
        let (error, took) = meet(&bench, manners).await;
        assert!(took < PROMPT, "{word}: {took:?}");
        assert!(matches!(error, ConnectError::Protocol { .. }), "{word}: {error}");
    }
}

/// sshd turns connections away, before a word is said, while others are logging in.
#[tokio::test]
async fn a_server_with_no_room_for_logins_is_no_refused_key() {
    let bench = Bench::with(&["MaxStartups 1:100:1"]).await;
    let other = TcpStream::connect(("127.0.0.1", bench.sshd.port)).await.unwrap();
    let mut turned_away = 0;
    let began = Instant::now();
    // sshd counts the other in when it comes to it.
    while turned_away < 3 {
        assert!(began.elapsed() < PATIENCE, "everybody got in");
        match bench.connect_with(bench.sshd.credentials(&bench.key)).await {
            Ok(link) => link.close().await,
            Err(error) => {
                assert_eq!(error.failure().fault, Fault::Transient, "{error}");
                turned_away += 1;
            }
        }
    }
    drop(other);
    let began = Instant::now();
    while bench.connect_with(bench.sshd.credentials(&bench.key)).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "nobody gets in");
    }
}
