//! Local clients in great numbers, or with nothing sensible to say. A bystander on the same link must
//! not notice.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use std::process::Stdio;
use std::time::Duration;

use borealis_proto::Session;
use support::clients::{Bystander, url};
use support::{PATIENCE, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const TARGET: &str = "sushi/DATABASE";
/// From the first row on, more than anybody waits for.
const ENDLESS: &str = "copy (select repeat('x', 1000), generate_series(1, 10000000)) to stdout";
/// Asks Postgres for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// What a bystander may have to wait, on a busy machine: far less than those who give up.
const UNNOTICED: Duration = Duration::from_secs(2);

/// A world with one link, which all share.
async fn one_link() -> (World, Session, Bystander) {
    let mut world = World::new().await;
    world.set("BOREALIS_LINKS", "1");
    let session = world.up(&[TARGET]).await;
    let other = Bystander::new(&url(&world, TARGET).await).await;
    (world, session, other)
}

/// The bystander was not hurt, nothing is left over, and there was no second link.
async fn ends_well(world: World, files: usize, other: Bystander) {
    settled(&world, files, 1).await;
    let seen = other.leave().await;
    assert!(seen.longest < UNNOTICED, "{seen:?}");
    assert_eq!(world.sandbox.relay_stats().accepted, 1, "on the same link");
    world.finish().await;
}

async fn knock(session: &Session) -> TcpStream {
    TcpStream::connect(("127.0.0.1", session.endpoint.port)).await.unwrap()
}

/// How many files the daemon has open.
async fn open_files(world: &World) -> usize {
    let pid = world.daemon().await.pid;
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// Nothing is left of clients that have gone: no connection, no backend, no open file.
async fn settled(world: &World, files: usize, backends: usize) {
    world
        .until("all of it is gone", || async {
            world.status(TARGET).await.connections.open == u64::try_from(backends).unwrap()
                && world.sandbox.backends("p_").await.unwrap() == backends
                && open_files(world).await <= files
        })
        .await;
}

#[tokio::test]
async fn clients_that_die_in_the_middle_of_a_copy_leave_nothing() {
    let (world, _session, other) = one_link().await;
    let (url, files) = (url(&world, TARGET).await, open_files(&world).await);
    for _ in 0..200 {
        let mut psql = world.command("psql");
        psql.args(["-X", "-c", ENDLESS, &url]).stdout(Stdio::null());
        let before = world.sandbox.relay_stats().to_clients;
        let mut child = psql.spawn().unwrap();
        world
            .until("a megabyte has come", || async {
                world.sandbox.relay_stats().to_clients > before + (1 << 20)
            })
            .await;
        child.kill().await.unwrap();
    }
    ends_well(world, files, other).await;
}

#[tokio::test]
async fn ten_thousand_that_only_knock_cost_nothing() {
    let (world, session, other) = one_link().await;
    let files = open_files(&world).await;
    for _ in 0..200 {
        // Gone before a word was said.
        let knocks = (0..50).map(|_| async { drop(knock(&session).await) });
        futures_util::future::join_all(knocks).await;
    }
    ends_well(world, files, other).await;
}

/// Postgres has room for 400. Whoever comes is answered or sent away, and who was there before goes
/// on.
#[tokio::test]
async fn a_thousand_at_once_harm_nobody() {
    let (world, session, other) = one_link().await;
    let files = open_files(&world).await;
    let one = || async {
        let mut client = knock(&session).await;
        client.write_all(&SSL_REQUEST).await.unwrap();
        let mut answer = [0];
        match timeout(PATIENCE, client.read(&mut answer)).await.expect("it is not left hanging") {
            Ok(1) => Some(answer[0]),
            // No room for it, said by hanging up.
            Ok(_) | Err(_) => None,
        }
    };
    let answers = futures_util::future::join_all((0..1000).map(|_| one())).await;
    // Yes and no of Postgres, its error, and our own no.
    assert!(answers.iter().flatten().all(|answer| b"SNE".contains(answer)), "{answers:?}");
    assert!(answers.contains(&Some(b'S')), "{answers:?}");
    ends_well(world, files, other).await;
}

/// Who says that it has nothing more to say still hears the answer, and then the end.
#[tokio::test]
async fn clients_that_close_one_half_are_answered_and_gone() {
    let (world, session, other) = one_link().await;
    let files = open_files(&world).await;
    for said in [&SSL_REQUEST[..], &[]] {
        for _ in 0..100 {
            let mut client = knock(&session).await;
            client.write_all(said).await.unwrap();
            client.shutdown().await.unwrap();
            let mut heard = Vec::new();
            timeout(PATIENCE, client.read_to_end(&mut heard)).await.unwrap().unwrap();
            assert_eq!(heard, if said.is_empty() { &b""[..] } else { b"S" });
        }
    }
    ends_well(world, files, other).await;
}

/// Postgres hears none of it.
#[tokio::test]
async fn noise_and_a_browsers_post_get_no_further_than_us() {
    let (world, session, other) = one_link().await;
    let (url, files) = (url(&world, TARGET).await, open_files(&world).await);
    let started = || world.sandbox.postgres_log().matches("connection received").count();
    let before = started();
    let post = format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nOrigin: http://evil.example\r\n\
         Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n{}",
        session.endpoint.port,
        "select 1; ".repeat(10_000)
    );
    let noise: [&[u8]; 6] = [
        post.as_bytes(),
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-lost\r\n",
        &[0; 4096],
        &[0xff; 4096],
        &[0, 0, 0x27, 0x11, 0, 3, 0, 0],
    ];
    for bytes in noise.iter().cycle().take(600) {
        let mut client = knock(&session).await;
        // It may hang up before it has read all.
        let _ = client.write_all(bytes).await;
        let mut heard = Vec::new();
        let _ = timeout(PATIENCE, client.read_to_end(&mut heard)).await.expect("the end");
        assert_eq!(heard, b"", "it is no web server");
    }
    assert_eq!(started(), before);
    drop(support::clients::connect_to(&url).await);
    ends_well(world, files, other).await;
}
