//! Local clients that behave badly, and the others, who must not notice.

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
use support::{PATIENCE, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, NoTls};

const TARGET: &str = "sushi/DATABASE";
/// More than all buffers between Postgres and a client hold together, and from the first row on.
const ENDLESS: &str = "copy (select repeat('x', 1000), generate_series(1, 10000000)) to stdout";

/// A driver on a connection of its own.
#[expect(clippy::disallowed_methods, reason = "the driver ends with its client")]
async fn connect(world: &World) -> Client {
    let url = world.ctl(&["url", TARGET]).await.ok();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::task::spawn(connection);
    client
}

/// psql that has been told much and reads none of it, once everything on the way is full.
async fn stopped_reading(world: &World, session: &Session) -> Child {
    let mut psql = world.psql_command(session, "disable", ENDLESS).await;
    let child = psql.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let before = world.status(TARGET).await.bytes.received;
    let seen = std::cell::Cell::new((before, Instant::now()));
    world
        .until("nothing moves any more", || async {
            let now = world.status(TARGET).await.bytes.received;
            if now != seen.get().0 {
                seen.set((now, Instant::now()));
            }
            now > before && seen.get().1.elapsed() > Duration::from_millis(500)
        })
        .await;
    child
}

/// The median time of a small query.
async fn p50(client: &Client) -> Duration {
    let mut times = Vec::new();
    for _ in 0..50 {
        let asked = Instant::now();
        timeout(PATIENCE, client.simple_query("select 1")).await.unwrap().unwrap();
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test]
async fn a_client_that_stops_reading_holds_up_nobody() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let mut stalled = Vec::new();
    // More of them than a tunnel has links by default.
    for _ in 0..5 {
        stalled.push(stopped_reading(&world, &session).await);
        let asked = Instant::now();
        assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    let other = connect(&world).await;
    assert!(p50(&other).await < Duration::from_millis(100));
    for child in &mut stalled {
        assert!(child.try_wait().unwrap().is_none(), "alone on its link, it is left in peace");
        child.kill().await.unwrap();
    }
    drop(other);
    world.finish().await;
}

#[tokio::test]
async fn on_a_shared_link_the_client_that_stops_reading_is_cut_off() {
    let mut world = World::new().await;
    world.set("BOREALIS_LINKS", "1");
    let session = world.up(&[TARGET]).await;
    let other = connect(&world).await;
    let mut psql = world.psql_command(&session, "disable", ENDLESS).await;
    let mut child = psql.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut longest = Duration::ZERO;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(6) {
        let asked = Instant::now();
        timeout(PATIENCE, other.simple_query("select 1")).await.unwrap().unwrap();
        longest = longest.max(asked.elapsed());
    }
    assert!(longest < Duration::from_secs(4), "{longest:?}");
    // What it has not read yet comes first, then the end.
    let mut pipe = child.stdout.take().unwrap();
    timeout(PATIENCE, pipe.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    let ended = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert_ne!(ended.status.code(), Some(0), "half an answer is no whole one");
    assert!(p50(&other).await < Duration::from_millis(100));
    drop(other);
    world.finish().await;
}

/// Who reads slowly, and all of it, gets all of it.
#[tokio::test]
async fn a_slow_reader_gets_everything() {
    let mut world = World::new().await;
    world.set("BOREALIS_LINKS", "1");
    let session = world.up(&[TARGET]).await;
    let other = connect(&world).await;
    let sql = "copy (select repeat('x', 1000) from generate_series(1, 60000)) to stdout";
    let mut psql = world.psql_command(&session, "disable", sql).await;
    let mut child = psql.stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let (mut total, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        let read = timeout(PATIENCE, pipe.read(&mut buffer)).await.unwrap().unwrap();
        if read == 0 {
            break;
        }
        total += read;
        // The subject of this test: a few megabytes a second.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(total, 60_000 * 1001);
    assert!(child.wait().await.unwrap().success());
    other.simple_query("select 1").await.unwrap();
    drop(other);
    world.finish().await;
}

/// A link has two, its socket and the guard of that; a tunnel has four links, and keeps one that
/// nobody uses for longer than a test waits.
const FILES_OF_LINKS: usize = 8;

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
                && open_files(world).await <= files.saturating_add(FILES_OF_LINKS)
        })
        .await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn clients_that_die_in_the_middle_of_a_copy_leave_nothing() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let other = connect(&world).await;
    // The spare that is kept ready, and what the first copies need.
    for _ in 0..3 {
        let mut psql = world.psql_command(&session, "require", ENDLESS).await;
        let mut child = psql.stdout(Stdio::null()).spawn().unwrap();
        world
            .until("rows flow", || async { world.sandbox.backends("p_").await.unwrap() == 2 })
            .await;
        child.kill().await.unwrap();
        settled(&world, usize::MAX, 1).await;
    }
    let files = open_files(&world).await;
    let url = world.ctl(&["url", TARGET]).await.ok();
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
        timeout(PATIENCE, other.simple_query("select 1")).await.unwrap().unwrap();
    }
    settled(&world, files, 1).await;
    drop(other);
    world.finish().await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn ten_thousand_that_only_knock_cost_nothing() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let other = connect(&world).await;
    let (files, links) = (open_files(&world).await, world.sandbox.relay_stats().accepted);
    for _ in 0..200 {
        let knocks = (0..50).map(|_| async {
            // Gone before a word was said.
            drop(
                tokio::net::TcpStream::connect(("127.0.0.1", session.endpoint.port)).await.unwrap(),
            );
        });
        futures_util::future::join_all(knocks).await;
    }
    timeout(PATIENCE, other.simple_query("select 1")).await.unwrap().unwrap();
    settled(&world, files, 1).await;
    assert!(world.sandbox.relay_stats().accepted <= links + 1, "a spare at most");
    drop(other);
    world.finish().await;
}

/// Postgres has room for 400. Whoever comes is answered or sent away, and who was there before goes
/// on.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_thousand_at_once_harm_nobody() {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let other = connect(&world).await;
    let files = open_files(&world).await;
    let address = ("127.0.0.1", session.endpoint.port);
    let one = || async {
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
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
    timeout(PATIENCE, other.simple_query("select 1")).await.unwrap().unwrap();
    settled(&world, files, 1).await;
    drop(other);
    world.finish().await;
}
