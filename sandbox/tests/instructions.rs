//! What relaying costs, in instructions and not in time: the same on a busy machine as on an idle
//! one. Of the daemon as the tests build it; `borealis-sandbox bench` has the figures that count.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod support;

use std::process::Stdio;

use support::{World, program, run};

const TARGET: &str = "sushi/DATABASE";
/// In the large answer.
const MIB: u64 = 32;
/// One after the other, each with a query.
const CONNECTIONS: u64 = 40;

/// Measured, in thousands of instructions: from Postgres to psql, each MiB.
const KILO_PER_MIB: u64 = 9_870;
/// The same, for a connection that asks one small thing and ends.
const KILO_PER_CONNECTION: u64 = 374;
/// A run may cost more by so many per cent: what is batched differs from run to run.
const TOLERANCE: u64 = 20;

/// Counts the instructions of a daemon's whole life, in which this is asked.
async fn life_with(sql: &str, times: u64) -> u64 {
    let mut world = World::new().await;
    // Whether a spare is made beside it hangs on how slow the machine is just now.
    world.set("BOREALIS_LINKS", "1");
    let counts = world.sandbox.dir().join("counts");
    let mut daemon = world.command("valgrind");
    daemon
        .args(["--tool=cachegrind", "--cache-sim=no", "--quiet"])
        .arg(format!("--cachegrind-out-file={}", counts.display()))
        .arg(program("borealisd"));
    let mut daemon = daemon.spawn().unwrap();
    world
        .until("it serves", || async { world.ctl(&["daemon", "status"]).await.code == Some(0) })
        .await;
    world.up(&[TARGET]).await;
    let url = world.ctl(&["url", TARGET]).await.ok() + "?sslmode=disable";
    for _ in 0..times {
        let mut psql = world.command("psql");
        psql.args(["-X", "-q", "-c", sql, &url]).stdout(Stdio::null());
        assert!(psql.status().await.unwrap().success());
    }
    world.ctl(&["down", "--all"]).await.ok();
    world.ctl(&["daemon", "stop"]).await.ok();
    assert!(daemon.wait().await.unwrap().success());
    let counts = std::fs::read_to_string(counts).unwrap();
    let summary = counts.lines().find_map(|line| line.strip_prefix("summary: "));
    summary.unwrap().trim().parse().unwrap()
}

#[track_caller]
fn check(what: &str, measured: u64, expected: u64) {
    let most = expected * (100 + TOLERANCE) / 100;
    assert!(measured <= most, "{measured} thousand instructions {what}; {expected} were measured");
    // A number that has become easy to keep guards nothing.
    let least = expected * (100 - 2 * TOLERANCE) / 100;
    assert!(measured >= least, "only {measured} thousand {what}, not {expected}: set it anew");
}

#[tokio::test]
async fn relaying_costs_no_more_than_it_did() {
    let mut valgrind = tokio::process::Command::new("valgrind");
    valgrind.arg("--version");
    run(valgrind).await.ok();
    let bulk = format!(
        "copy (select repeat('x', 1023) from generate_series(1, {})) to stdout",
        MIB * 1024
    );
    let base = life_with("select 1", 1).await;
    let with_bulk = life_with(&bulk, 1).await;
    let with_many = life_with("select 1", 1 + CONNECTIONS).await;
    let per_mib = (with_bulk - base) / MIB / 1000;
    let per_connection = (with_many - base) / CONNECTIONS / 1000;
    tracing::info!(per_mib, per_connection);
    check("a MiB", per_mib, KILO_PER_MIB);
    check("a connection", per_connection, KILO_PER_CONNECTION);
}
