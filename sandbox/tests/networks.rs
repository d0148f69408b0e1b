//! Networks that are long, lossy, narrow, forgetful, or silent, with real packets: each test has a
//! network of its own.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do; what was measured is said"
)]

mod support;

use std::process::Stdio;
use std::time::Duration;

use borealis_proto::SessionState;
use borealis_sandbox::Fault;
use support::alone::{drop_packets, good_weather, is_alone, lose};
use support::{Said, World, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::{Instant, timeout};

const TARGET: &str = "sushi/DATABASE";
/// A link in use that is dead is found by then.
const USED: Duration = Duration::from_secs(20);
/// One that is idle.
const IDLE: Duration = Duration::from_secs(60);

/// So many lines of a COPY, all different, of a hundred bytes each.
fn lines(from: u32, count: u32) -> String {
    (from..from + count).map(|n| format!("{n}\t{:0>90}\n", u64::from(n) * 7919)).collect()
}

fn port(world: &World) -> u16 {
    world.sandbox.info().relay_port
}

/// How often a link was lost so far.
fn losses(world: &World) -> usize {
    let log = std::fs::read_to_string(world.state_dir().join("borealisd.log")).unwrap();
    log.matches("the link was lost").count()
}

/// Starts a psql on a session.
async fn psql(world: &World, session: &borealis_proto::Session, sql: &str) -> Child {
    let mut psql = world.psql_command(session, "require", sql).await;
    psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    psql.spawn().unwrap()
}

/// A table, and a session that may write to it.
async fn writable() -> (World, borealis_proto::Session) {
    let world = World::new().await;
    let session = world.up(&[TARGET, "-w"]).await;
    let make = "create table way (n int, text text); grant all on way to public";
    world.sandbox.sql("d1", make).await.unwrap();
    (world, session)
}

async fn rows(world: &World) -> String {
    world.sandbox.sql("d1", "select count(*) from way").await.unwrap()[0][0].clone().unwrap()
}

/// Copies in, out again and dumps; all of it is whole.
async fn there_and_back(world: &World, session: &borealis_proto::Session, count: u32) {
    let sent = lines(0, count);
    let mut copy = psql(world, session, "copy way from stdin").await;
    copy.stdin.take().unwrap().write_all(sent.as_bytes()).await.unwrap();
    let said = timeout(Duration::from_secs(110), copy.wait_with_output()).await.unwrap().unwrap();
    assert!(said.status.success(), "{said:?}");
    let back = world.psql(session, "copy (select * from way order by n) to stdout").await.ok();
    assert!(back == sent.trim_end(), "{} of {} bytes", back.len(), sent.len());
    let url = world.ctl(&["url", session.id.as_str()]).await.ok();
    let mut dump = world.command("pg_dump");
    dump.args(["--data-only", "--table=way", &format!("{url}?sslmode=require")]);
    let dump = run(dump).await.ok();
    assert!(dump.contains(&sent), "{} of {} bytes", dump.len(), sent.len());
}

#[tokio::test]
async fn a_server_greets_after_the_whole_way_there_and_back() {
    let world = World::new().await;
    world.sandbox.fault(Fault::Delay { ms: 200 }).await.unwrap();
    let connected = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port(&world))).await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'S');
    assert!(connected.elapsed() >= Duration::from_millis(200), "{:?}", connected.elapsed());
    drop(stream);
    world.finish().await;
}

async fn long_and_lossy(millis: u64) {
    let (world, session) = writable().await;
    world.ctl(&["down", TARGET]).await.ok();
    world.sandbox.fault(Fault::Delay { ms: millis }).await.unwrap();
    lose(port(&world), 1).await;
    let begun = Instant::now();
    let session_again = world.up(&[TARGET, "-w"]).await;
    let up = begun.elapsed();
    assert_eq!(session_again.endpoint, session.endpoint);
    let begun = Instant::now();
    assert_eq!(world.psql(&session_again, "select 1").await.ok(), "1");
    let first = begun.elapsed();
    let begun = Instant::now();
    there_and_back(&world, &session_again, 100_000).await;
    eprintln!("{millis} ms, 1 %: up {up:?}, psql {first:?}, 3 x 10 MB {:?}", begun.elapsed());
    assert_eq!(losses(&world), 0, "no link was given up");
    good_weather().await;
    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn eighty_ms_and_one_percent_loss_cost_time_alone() {
    if is_alone("eighty_ms_and_one_percent_loss_cost_time_alone").await {
        long_and_lossy(80).await;
    }
}

#[tokio::test]
async fn three_hundred_ms_and_one_percent_loss_cost_time_alone() {
    if is_alone("three_hundred_ms_and_one_percent_loss_cost_time_alone").await {
        long_and_lossy(300).await;
    }
}

/// What was sent waits for many seconds before it arrives, and with it every question whether the
/// server is there.
#[tokio::test]
async fn an_upload_through_a_narrow_way_is_no_dead_link() {
    if !is_alone("an_upload_through_a_narrow_way_is_no_dead_link").await {
        return;
    }
    let (world, session) = writable().await;
    let narrow = "limit rate over 200 kbytes/second burst 50 kbytes";
    drop_packets(port(&world), narrow).await;
    let sent = lines(0, 80_000);
    let begun = Instant::now();
    let mut copy = psql(&world, &session, "copy way from stdin").await;
    copy.stdin.take().unwrap().write_all(sent.as_bytes()).await.unwrap();
    let said = timeout(Duration::from_secs(150), copy.wait_with_output()).await.unwrap().unwrap();
    eprintln!("8 MB through 200 kB/s: {:?}", begun.elapsed());
    assert!(said.status.success(), "{said:?}");
    assert!(begun.elapsed() > Duration::from_secs(25), "it was not narrow");
    assert_eq!((rows(&world).await, losses(&world)), ("80000".to_owned(), 0));
    good_weather().await;
    world.finish().await;
}

/// Waits for psql to fail, and for the tunnel to come back once the network does.
async fn found_and_mended(world: &World, session: &borealis_proto::Session, client: Child) {
    let swallowed = Instant::now();
    lose(port(world), 100).await;
    let output = timeout(2 * USED, client.wait_with_output()).await.unwrap().unwrap();
    let found = swallowed.elapsed();
    assert!(!output.status.success(), "half of it is no success");
    assert!(found < USED, "{found:?}");
    world.until_state(TARGET, SessionState::Reconnecting).await;
    good_weather().await;
    let back = Instant::now();
    assert_eq!(world.psql(session, "select 1").await.ok(), "1");
    eprintln!("found after {found:?}, psql {:?} after the network was back", back.elapsed());
}

/// Ends a world whose network swallowed the end of a connection. That is said once: a server that
/// has nothing to send itself keeps its half until its own keepalive gives up, which sshd's is not
/// asked to do here.
async fn finish_both_halves(world: World) {
    world.ctl(&["down", "--all", "--drain", "0"]).await.ok();
    world.daemon_rests().await;
    world.sandbox.fault(Fault::Cut).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn a_network_that_swallows_an_upload_is_found_and_nothing_of_it_counts() {
    if !is_alone("a_network_that_swallows_an_upload_is_found_and_nothing_of_it_counts").await {
        return;
    }
    let (world, session) = writable().await;
    let mut copy = psql(&world, &session, "copy way from stdin").await;
    let mut stdin = copy.stdin.take().unwrap();
    let feeding = async {
        // Ends when psql does.
        for chunk in 0..40_u32 {
            if stdin.write_all(lines(chunk * 100_000, 100_000).as_bytes()).await.is_err() {
                return;
            }
        }
        drop(stdin);
    };
    let swallowing = async {
        world
            .until("much of it is on the way", || async {
                world.sandbox.relay_stats().from_clients > 20_000_000
            })
            .await;
        found_and_mended(&world, &session, copy).await;
    };
    tokio::join!(feeding, swallowing);
    assert_eq!(rows(&world).await, "0");
    finish_both_halves(world).await;
}

#[tokio::test]
async fn a_network_that_swallows_a_download_is_found() {
    if !is_alone("a_network_that_swallows_a_download_is_found").await {
        return;
    }
    let (world, session) = writable().await;
    let much =
        "copy (select n, repeat(md5(n::text), 30) from generate_series(1, 600000) n) to stdout";
    let mut command = world.psql_command(&session, "require", much).await;
    let out = std::fs::File::create(world.sandbox.dir().join("download")).unwrap();
    let client = command.stdout(out).spawn().unwrap();
    world
        .until("much of it is on the way", || async {
            world.sandbox.relay_stats().to_clients > 20_000_000
        })
        .await;
    found_and_mended(&world, &session, client).await;
    finish_both_halves(world).await;
}

#[tokio::test]
async fn at_300_ms_a_dead_link_is_found_in_use_and_idle() {
    if !is_alone("at_300_ms_a_dead_link_is_found_in_use_and_idle").await {
        return;
    }
    let (world, session) = writable().await;
    world.sandbox.fault(Fault::Delay { ms: 300 }).await.unwrap();
    let mut client = psql(&world, &session, "select pg_sleep(0); select pg_sleep(50)").await;
    drop(client.stdin.take());
    let asleep =
        "select 1 from pg_stat_activity where state = 'active' and query like '%sleep(50)'";
    world
        .until("Postgres is at work", || async {
            !world.sandbox.sql("d1", asleep).await.unwrap().is_empty()
        })
        .await;
    found_and_mended(&world, &session, client).await;

    world.until_state(TARGET, SessionState::Up).await;
    world.until("it is idle", || async { world.status(TARGET).await.connections.open == 0 }).await;
    let (silent, before) = (Instant::now(), losses(&world));
    lose(port(&world), 100).await;
    while losses(&world) == before {
        assert!(silent.elapsed() < IDLE, "not found");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eprintln!("idle: found after {:?}", silent.elapsed());
    good_weather().await;
    world.until_state(TARGET, SessionState::Up).await;
    finish_both_halves(world).await;
}

#[tokio::test]
async fn who_comes_after_a_nat_forgot_waits_and_is_served() {
    let mut world = World::new().await;
    // A second link would be forgotten, too, and found out after the client has given up.
    world.set("BOREALIS_LINKS", "1");
    let session = world.up(&[TARGET]).await;
    for millis in [0, 80] {
        world.sandbox.fault(Fault::Delay { ms: millis }).await.unwrap();
        let psql = world.psql_command(&session, "require", "select 1").await;
        world.sandbox.fault(Fault::Forget).await.unwrap();
        let begun = Instant::now();
        assert_eq!(run(psql).await.ok(), "1");
        let served = begun.elapsed();
        let begun = Instant::now();
        let next: Said = world.psql(&session, "select 1").await;
        assert_eq!(next.ok(), "1");
        eprintln!(
            "{millis} ms: forgotten: served after {served:?}, next psql {:?}",
            begun.elapsed()
        );
    }
    world.finish().await;
}

#[tokio::test]
async fn what_a_nat_forgot_is_found_when_nobody_comes() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    world.sandbox.fault(Fault::Forget).await.unwrap();
    let begun = Instant::now();
    while losses(&world) == 0 {
        assert!(begun.elapsed() < IDLE, "not found");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eprintln!("idle and forgotten: found after {:?}", begun.elapsed());
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    world.finish().await;
}
