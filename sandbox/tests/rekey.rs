//! Keys that the server wants exchanged again while much is under way, near and far: all of it
//! arrives, as it was.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::process::Stdio;
use std::time::Duration;

use borealis_proto::{Session, SessionState};
use borealis_sandbox::Fault;
use support::clients::{Bystander, url};
use support::{World, run};
use tokio::process::Command;
use tokio::time::timeout;

const TARGET: &str = "sushi/DATABASE";
/// For hundreds of megabytes, on a busy machine.
const LONG: Duration = Duration::from_secs(200);
const AT_ONCE: usize = 4;

/// A world whose tunnel has one link, with new keys after each 16 MiB.
async fn world() -> (World, Session) {
    let mut world = World::new().await;
    world.set("BOREALIS_LINKS", "1");
    let often = Fault::SshdSettings { settings: vec!["RekeyLimit 16M".to_owned()] };
    world.sandbox.fault(often).await.unwrap();
    let session = world.up(&[TARGET, "-w"]).await;
    (world, session)
}

/// As many kilobytes as `rows`, each other than the others.
fn rows(rows: usize) -> String {
    format!("select repeat(md5(i::text), 31) || i from generate_series(1, {rows}) i")
}

/// What md5sum says of all that psql gets.
async fn sum(world: &World, url: &str, sql: &str) -> String {
    let mut psql = world.command("bash");
    psql.args([
        "-c",
        "set -o pipefail; psql -X -q -v ON_ERROR_STOP=1 -c \"$1\" \"$0\" | md5sum",
        url,
        sql,
    ]);
    run(psql).await.ok()
}

/// `psql` that gets all of it as input.
fn feeding(world: &World, url: &str, rows: usize) -> Command {
    let mut psql = world.command("bash");
    let script = "seq -f '%01023.0f' \"$1\" | psql -X -q -v ON_ERROR_STOP=1 -t -A \
                  -c 'create temp table t (line text)' -c '\\copy t from stdin' \
                  -c 'select count(*), sum(line::numeric), sum(length(line)) from t' \"$0\"";
    psql.args(["-o", "pipefail", "-c", script, url, &rows.to_string()]);
    psql.stdin(Stdio::null());
    psql
}

async fn downloads(rows_each: usize, delay: Option<u64>) {
    let (world, session) = world().await;
    let url = url(&world, TARGET).await;
    let sql = format!("copy ({}) to stdout", rows(rows_each));
    // Past the tunnel.
    let at = |port: u16| format!("127.0.0.1:{port}");
    let direct = url.replace(&at(session.endpoint.port), &at(world.sandbox.info().postgres_port));
    assert_ne!(direct, url);
    let expected = sum(&world, &direct, &sql).await;
    if let Some(ms) = delay {
        world.sandbox.fault(Fault::Delay { ms }).await.unwrap();
    }
    let other = Bystander::new(&url).await;
    let all = futures_util::future::join_all((0..AT_ONCE).map(|_| sum(&world, &url, &sql)));
    for sum in timeout(LONG, all).await.unwrap() {
        assert_eq!(sum, expected);
    }
    let moved = world.sandbox.relay_stats().to_clients;
    assert!(moved > (AT_ONCE * rows_each * 1000) as u64, "{moved} bytes through the tunnel");
    other.leave().await;
    let now = world.status(TARGET).await;
    assert_eq!((now.state, now.since), (SessionState::Up, session.since), "one link for all of it");
    assert_eq!(world.sandbox.relay_stats().accepted, 1);
    world.finish().await;
}

#[tokio::test]
async fn four_downloads_at_once() {
    downloads(100_000, None).await;
}

#[tokio::test]
async fn four_downloads_at_once_from_far_away() {
    downloads(30_000, Some(80)).await;
}

#[tokio::test]
async fn four_uploads_at_once() {
    let rows = 40_000;
    let (world, session) = world().await;
    let url = url(&world, TARGET).await;
    let all = (0..AT_ONCE).map(|_| run(feeding(&world, &url, rows)));
    let total: usize = (1..=rows).sum();
    for said in timeout(LONG, futures_util::future::join_all(all)).await.unwrap() {
        assert_eq!(said.ok(), format!("{rows}|{total}|{}", rows * 1023));
    }
    let moved = world.sandbox.relay_stats().from_clients;
    assert!(moved > (AT_ONCE * rows * 1000) as u64, "{moved} bytes through the tunnel");
    let now = world.status(TARGET).await;
    assert_eq!((now.state, now.since), (SessionState::Up, session.since));
    assert_eq!(world.sandbox.relay_stats().accepted, 1);
    world.finish().await;
}
