//! A clock that somebody sets, and time that the daemon never saw: nothing that is up goes down, and
//! nothing is made up for.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::path::PathBuf;
use std::time::Duration;

use borealis_proto::{Checkup, Session, Verdict};
use borealis_sandbox::Fault;
use jiff::{SignedDuration, Timestamp};
use support::machine::{Daemon, logged};
use support::{World, run};
use tokio::process::Command;
use tokio::time::Instant;

const TARGET: &str = "sushi/DATABASE";
const OTHER: &str = "udon/DATABASE";
const DAY: i64 = 24 * 60 * 60;

/// The library that lies about the clock, where it is installed.
fn libfaketime() -> Option<PathBuf> {
    let places = ["x86_64-linux-gnu/", "aarch64-linux-gnu/", ""];
    let mut paths = places.iter().flat_map(|place| {
        ["lib", "lib64"].map(|lib| format!("/usr/{lib}/{place}faketime/libfaketime.so.1").into())
    });
    paths.find(|path: &PathBuf| path.exists())
}

/// A daemon with a clock of its own, and the file that sets it: the monotonic clock is left alone,
/// as it is on a machine.
async fn with_a_clock(world: &World) -> Option<(Daemon, PathBuf)> {
    let library = libfaketime()?;
    let file = world.sandbox.dir().join("clock");
    std::fs::write(&file, "+0\n").unwrap();
    let mut command = world.command("env");
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &file);
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command.env("FAKETIME_DONT_RESET", "1");
    Some((Daemon::under(world, command).await, file))
}

fn off_by(instant: Timestamp, days: i64) -> bool {
    let off = instant.duration_since(Timestamp::now()) - SignedDuration::from_secs(days * DAY);
    off.abs() < SignedDuration::from_secs(120)
}

async fn clock_check(world: &World) -> (Verdict, String) {
    let mut curl = world.command("curl");
    curl.args(["-s", "--unix-socket", world.var("BOREALIS_SOCKET"), "http://localhost/v1/doctor"]);
    let checkup: Checkup = serde_json::from_str(&run(curl).await.ok()).unwrap();
    let clock = checkup.checks.into_iter().find(|check| check.name == "clock").unwrap();
    (clock.verdict, clock.message)
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that could not do its work says so")]
async fn a_clock_that_is_set_back_a_day_and_forward_a_month_breaks_nothing() {
    let world = World::new().await;
    let Some((daemon, clock)) = with_a_clock(&world).await else {
        eprintln!("libfaketime is not installed: there is no clock to set");
        return;
    };
    let session = world.up(&[TARGET]).await;
    let log = world.state_dir().join("borealisd.log");
    for (days, said) in [(-1, "behind"), (30, "ahead")] {
        let lost = logged(&log, "the link was lost");
        std::fs::write(&clock, format!("{days:+}d\n")).unwrap();
        let (verdict, message) = clock_check(&world).await;
        assert_eq!(verdict, Verdict::Problem, "{message}");
        assert!(
            message.contains(said) && spans(days).iter().any(|span| message.contains(span)),
            "{message}"
        );
        let now = world.status(TARGET).await;
        assert_eq!(now.state, session.state, "{now:?}");
        assert_eq!(logged(&log, "the link was lost"), lost, "the link is the old one");
        assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
        assert!(world.daemon().await.uptime_seconds < 120);
        works_in_the_wrong_time(&world, &session, days).await;
    }
    // Made while the clock was right, a day behind and a month ahead: all are gone.
    world
        .until("no authorization is left", || async {
            world.sandbox.outstanding_authorizations() == 0
        })
        .await;
    daemon.stop(&world).await;
}

/// A second may be missing.
fn spans(days: i64) -> [&'static str; 2] {
    if days == -1 { ["23 hours", "24 hours"] } else { ["29 days", "30 days"] }
}

/// What is new has the time that the clock shows, and waits are as long as ever.
async fn works_in_the_wrong_time(world: &World, session: &Session, days: i64) {
    let other = world.up(&[OTHER]).await;
    assert!(off_by(other.since, days), "{}", other.since);
    world.ctl(&["down", OTHER]).await.ok();
    let psql = world.psql_command(session, "require", "select 1").await;
    let cut = Instant::now();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    assert_eq!(run(psql).await.ok(), "1");
    assert!(cut.elapsed() < Duration::from_secs(3), "{:?}", cut.elapsed());
    world.ctl(&["refresh", TARGET]).await.ok();
    let now = world.status(TARGET).await;
    assert!(off_by(now.since, days), "{}", now.since);
}

/// As a machine that sleeps, with the one difference that its clocks know of it.
#[tokio::test]
async fn a_daemon_that_did_not_run_for_a_while_makes_up_for_nothing() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let psql = world.psql_command(&session, "require", "select 1").await;
    let log = world.state_dir().join("borealisd.log");
    let pid = world.daemon().await.pid.to_string();
    let signal = async |name: &str| {
        Command::new("kill").args([name, &pid]).status().await.unwrap();
    };
    signal("-STOP").await;
    world.sandbox.clear_requests();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    // Several of each of its short timers.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let lines = logged(&log, "\n");
    signal("-CONT").await;
    let woken = Instant::now();
    assert_eq!(run(psql).await.ok(), "1");
    assert!(woken.elapsed() < Duration::from_secs(2), "{:?}", woken.elapsed());
    assert_eq!(world.sandbox.count("POST", "/"), 0, "the key and the password are still good");
    let more = logged(&log, "\n") - lines;
    assert!(more < 30, "{more} lines");
    world.finish().await;
}
