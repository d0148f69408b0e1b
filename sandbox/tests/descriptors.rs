//! A daemon that may open few files: whoever was there goes on, whoever comes too late is told so,
//! and its user can still ask.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use std::process::Stdio;
use std::time::Duration;

use borealis_proto::Session;
use support::machine::{Daemon, logged};
use support::{PATIENCE, UNTIL_TOLD, World, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const TARGET: &str = "sushi/DATABASE";
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const STARTUP: &[u8] = b"\0\0\0\x11\0\x03\0\0user\0me\0\0";

async fn with_limit(world: &World, files: &str) -> Daemon {
    let mut command = world.command("prlimit");
    command.arg(format!("--nofile={files}:{files}")).arg("--");
    Daemon::under(world, command).await
}

async fn knock(session: &Session) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", session.endpoint.port)).await.unwrap();
    stream.write_all(&SSL_REQUEST).await.unwrap();
    stream
}

/// What Postgres would be asked first, and what comes back: `S` from Postgres, `N` from a daemon
/// that has an error to tell.
async fn answer(stream: &mut TcpStream) -> Option<u8> {
    timeout(PATIENCE, stream.read_u8()).await.unwrap().ok()
}

/// As many clients as are let in, and the first that is not.
async fn fill(session: &Session) -> (Vec<TcpStream>, TcpStream) {
    let mut inside = Vec::new();
    loop {
        let mut stream = knock(session).await;
        if answer(&mut stream).await != Some(b'S') {
            return (inside, stream);
        }
        inside.push(stream);
    }
}

async fn told(stream: &mut TcpStream) -> String {
    stream.write_all(STARTUP).await.unwrap();
    let mut text = Vec::new();
    // The end may be a reset: what was said before it counts.
    let _end = timeout(PATIENCE, stream.read_to_end(&mut text)).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn who_comes_too_late_hears_why_and_nobody_else_notices() {
    let world = World::new().await;
    let daemon = with_limit(&world, "80").await;
    let session = world.up(&[TARGET]).await;
    let mut query = world.psql_command(&session, "require", UNTIL_TOLD).await;
    let query = query.stdout(Stdio::piped()).spawn().unwrap();
    world.until("it runs", || async { world.status(TARGET).await.connections.open == 1 }).await;

    let (inside, mut late) = fill(&session).await;
    assert_eq!(inside.len() + 1, 40, "half of what the process may open");
    let said = told(&mut late).await;
    assert!(said.contains("C53300\0") && said.contains("no room for another"), "{said:?}");
    for _ in 0..20 {
        let mut late = knock(&session).await;
        assert_ne!(answer(&mut late).await, Some(b'S'));
    }
    assert_eq!(world.status(TARGET).await.connections.open, 40);
    let notices = world.daemon().await.health.notices;
    assert!(notices.iter().any(|notice| notice.contains("turned away")), "{notices:?}");
    let log = world.state_dir().join("borealisd.log");
    assert_eq!(logged(&log, "no room for another client"), 1, "once, not for each");

    world.go_on().await;
    let output = query.wait_with_output().await.unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("whole"));
    drop((inside, late));
    world
        .until("they have left", || async { world.status(TARGET).await.connections.open == 0 })
        .await;
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    assert!(world.daemon().await.health.notices.is_empty());
    daemon.stop(&world).await;
}

/// The limit that was there at the start does not count: the worst case.
#[tokio::test]
async fn with_no_descriptor_at_all_clients_and_the_user_are_answered_all_the_same() {
    let world = World::new().await;
    let daemon = with_limit(&world, "200").await;
    let session = world.up(&[TARGET]).await;
    let mut inside = Vec::new();
    for _ in 0..10 {
        let mut stream = knock(&session).await;
        assert_eq!(answer(&mut stream).await, Some(b'S'));
        inside.push(stream);
    }
    let limit = async |files: usize| {
        let mut prlimit = world.command("prlimit");
        prlimit.args(["--pid", &daemon.pid(), &format!("--nofile={files}:200")]);
        run(prlimit).await.ok();
    };
    // The caller who asked last may still be there.
    tokio::time::sleep(Duration::from_millis(100)).await;
    limit(daemon.open_files()).await;

    let (more, mut late) = fill(&session).await;
    assert!(more.len() <= 2, "{}", more.len());
    let said = told(&mut late).await;
    assert!(said.contains("C53300\0"), "{said:?}");
    let asked = Instant::now();
    for _ in 0..3 {
        assert_eq!(world.status(TARGET).await.connections.open, 10 + more.len() as u64);
    }
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    let log = world.state_dir().join("borealisd.log");
    assert!(logged(&log, "cannot accept") <= 4, "no storm");

    limit(200).await;
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    drop((inside, more, late));
    assert!(world.daemon().await.health.notices.is_empty());
    daemon.stop(&world).await;
}
