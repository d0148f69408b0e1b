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

use borealis_proto::{Session, SessionState};
use borealis_sandbox::Fault;
use futures_util::{StreamExt, stream};
use support::clients::{Bystander, connect, turned_away, url};
use support::machine::{kib, logged};
use support::{PATIENCE, World, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::{Instant, timeout};
use tokio_postgres::Client;

const TARGET: &str = "sushi/DATABASE";
/// More than all buffers between Postgres and a client hold together, and from the first row on.
const ENDLESS: &str = "copy (select repeat('x', 1000), generate_series(1, 10000000)) to stdout";

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
    let running = "select wait_event from pg_stat_activity where query like 'copy %'";
    world
        .until("Postgres waits for it", || async {
            let waits = world.sandbox.sql("d1", running).await.unwrap();
            let stopped = |event: &Option<String>| event.as_deref() == Some("ClientWrite");
            !waits.is_empty() && waits.iter().flatten().all(stopped)
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
        let psql = world.psql_command(&session, "require", "select 1").await;
        let asked = Instant::now();
        assert_eq!(run(psql).await.ok(), "1");
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    let other = connect(&world, TARGET).await;
    assert!(p50(&other).await < Duration::from_millis(100));
    for child in &mut stalled {
        assert!(child.try_wait().unwrap().is_none(), "alone on its link, it is left in peace");
        child.kill().await.unwrap();
    }
    drop(other);
    world.finish().await;
}

/// The network may end a link while all that it brings waits for a client.
#[tokio::test]
async fn a_link_whose_only_client_does_not_read_notices_its_end() {
    let mut world = World::new().await;
    world.set("BOREALIS_LINKS", "1");
    let session = world.up(&[TARGET]).await;
    let mut child = stopped_reading(&world, &session).await;
    let log = world.state_dir().join("borealisd.log");
    world.sandbox.fault(Fault::Cut).await.unwrap();
    let cut = Instant::now();
    // Not by its `since`, which is in whole seconds.
    world.until("its end is noticed", || async { logged(&log, "the link was lost") > 0 }).await;
    world.until_state(TARGET, SessionState::Up).await;
    assert!(cut.elapsed() < Duration::from_secs(5), "{:?}", cut.elapsed());
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    child.kill().await.unwrap();
    world.finish().await;
}

/// A daemon runs for weeks: what such clients once took is not to stay with it.
#[tokio::test]
async fn what_waited_for_clients_that_did_not_read_is_given_back() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let pid = world.daemon().await.pid;
    let before = kib(pid, "RssAnon:");
    let mut stalled = Vec::new();
    for _ in 0..5 {
        stalled.push(stopped_reading(&world, &session).await);
    }
    let held = kib(pid, "RssAnon:");
    assert!(held > before + 16 * 1024, "{held} KiB: nothing that could be given back");
    for child in &mut stalled {
        child.kill().await.unwrap();
    }
    world.until("it is given back", || async { kib(pid, "RssAnon:") < before + 8 * 1024 }).await;
    world.finish().await;
}

/// Asks for TLS, hears the answer, and breaks off.
async fn knock(port: u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.unwrap();
    stream.read_u8().await.unwrap();
    stream.set_zero_linger().unwrap();
}

/// Some do so all day: timeouts, health checks.
#[tokio::test]
async fn of_clients_that_broke_off_nothing_stays() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let pid = world.daemon().await.pid;
    let port = session.endpoint.port;
    let knocks = |count: usize| stream::iter(0..count).for_each_concurrent(8, move |_| knock(port));
    timeout(PATIENCE, knocks(300)).await.unwrap();
    let before = kib(pid, "RssAnon:");
    timeout(PATIENCE, knocks(2_000)).await.unwrap();
    // Three a client once stayed.
    world
        .until("nothing of them is left", || async { kib(pid, "RssAnon:") < before + 2_000 })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn on_a_shared_link_the_client_that_stops_reading_is_cut_off() {
    let mut world = World::new().await;
    world.set("BOREALIS_LINKS", "1");
    let session = world.up(&[TARGET]).await;
    let other = Bystander::new(&url(&world, TARGET).await).await;
    let mut psql = world.psql_command(&session, "disable", ENDLESS).await;
    let mut child = psql.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let log = world.state_dir().join("borealisd.log");
    world
        .until("it is cut off", || async {
            std::fs::read_to_string(&log).unwrap().contains("has stopped reading and holds up")
        })
        .await;
    // What it has not read yet comes first, then the end.
    let mut pipe = child.stdout.take().unwrap();
    timeout(PATIENCE, pipe.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    let ended = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert_ne!(ended.status.code(), Some(0), "half an answer is no whole one");
    let seen = other.leave().await;
    assert!(seen.longest < Duration::from_secs(4), "{seen:?}");
    let other = connect(&world, TARGET).await;
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
    let other = connect(&world, TARGET).await;
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

/// pgAdmin gives up after 10 s.
#[tokio::test]
async fn a_client_of_a_tunnel_that_is_down_waits_eight_seconds_and_is_told_why() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    let url = url(&world, TARGET).await;
    world.sandbox.fault(Fault::Refuse).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    let asked = Instant::now();
    let said = turned_away(&url).await;
    let waited = asked.elapsed();
    let about = Duration::from_millis(7_900)..Duration::from_secs(10);
    assert!(about.contains(&waited), "{waited:?}");
    assert_eq!(said.code().code(), "57P03");
    assert!(said.message().contains("cannot connect to the SSH server"), "{}", said.message());
    assert_eq!(said.hint(), Some(format!("borealisctl status {TARGET}").as_str()));
    world.sandbox.fault(Fault::Resume).await.unwrap();
    drop(support::clients::connect_to(&url).await);
    world.finish().await;
}

#[tokio::test]
async fn a_client_of_a_blocked_session_is_told_so_at_once() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    let url = url(&world, TARGET).await;
    world.sandbox.fault(Fault::HostKey { announce: false }).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    world.until_state(TARGET, SessionState::Blocked).await;
    let asked = Instant::now();
    let said = turned_away(&url).await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(said.code().code(), "57P03");
    assert!(said.message().contains("presents host key"), "{}", said.message());
    assert!(said.hint().unwrap().contains("borealisctl refresh"), "{:?}", said.hint());
    world.finish().await;
}
