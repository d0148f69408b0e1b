//! The daemon's own life: a port that somebody took while it was away, signals in the middle of
//! queries, and a program that is replaced while it runs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use borealis_proto::{ErrorCode, Session, SessionState};
use support::machine::Daemon;
use support::{PATIENCE, Said, UNTIL_TOLD, World, program, run};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

const TARGET: &str = "sushi/DATABASE";
const OTHER: &str = "udon/DATABASE";
/// Longer than any test: only who ends it makes it end.
const SLEEP: &str = "select pg_sleep(600)";

#[tokio::test]
async fn a_port_that_was_taken_meanwhile_is_shown_and_bound_as_soon_as_it_is_free() {
    let world = World::new().await;
    let (one, other) =
        (world.up_reserved(&[TARGET], 0).await, world.up_reserved(&[OTHER], 1).await);
    world.ctl(&["daemon", "stop"]).await.ok();
    let squatter = TcpListener::bind(("127.0.0.1", one.endpoint.port)).await.unwrap();

    world.until_state(OTHER, SessionState::Up).await;
    assert_eq!(world.psql(&other, "select 1").await.ok(), "1");
    let blocked = world.status(TARGET).await;
    assert_eq!((blocked.state, blocked.endpoint), (SessionState::Blocked, one.endpoint.clone()));
    let reason = blocked.reason.unwrap();
    assert_eq!(reason.code, ErrorCode::PortTaken);
    assert!(reason.hint.unwrap().contains("--port"), "it says what to do");
    world.ctl(&["wait", TARGET, "--timeout", "1s"]).await.fails(7);

    drop(squatter);
    let freed = Instant::now();
    world.until_state(TARGET, SessionState::Up).await;
    // It is tried every five.
    assert!(freed.elapsed() < Duration::from_secs(9), "{:?}", freed.elapsed());
    assert_eq!(world.psql(&one, "select 1").await.ok(), "1");
    world.finish().await;
}

async fn asleep(world: &World, session: &Session) -> Child {
    let mut psql = world.psql_command(session, "require", SLEEP).await;
    let child = psql.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    world.until("psql sleeps", || async { sleeping(world).await == 1 }).await;
    child
}

async fn sleeping(world: &World) -> usize {
    let sql =
        format!("select 1 from pg_stat_activity where query = '{SLEEP}' and state = 'active'");
    world.sandbox.sql("d1", &sql).await.unwrap().len()
}

async fn started(world: &World) -> Daemon {
    Daemon::under(world, world.command("env")).await
}

async fn send(daemon: &Daemon, signal: &str) {
    Command::new("kill").args([&format!("-{signal}"), &daemon.pid()]).status().await.unwrap();
}

#[tokio::test]
async fn sigterm_lets_queries_finish_for_five_seconds_and_then_ends_them_with_a_word() {
    let world = World::new().await;
    let mut daemon = started(&world).await;
    let session = world.up_reserved(&[TARGET], 0).await;
    let long = asleep(&world, &session).await;
    let mut short =
        world.psql_command(&session, "require", "select 'whole' from pg_sleep(2)").await;
    let short = short.stdout(Stdio::piped()).spawn().unwrap();
    world.until("both run", || async { world.status(TARGET).await.connections.open == 2 }).await;
    let log = world.state_dir().join("borealisd.log");

    let asked = Instant::now();
    send(&daemon, "TERM").await;
    let output = timeout(PATIENCE, short.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.stdout, b"whole\n", "it had its time");
    let output = timeout(PATIENCE, long.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("terminating connection"), "{said}");
    assert!(timeout(PATIENCE, daemon.child.wait()).await.unwrap().unwrap().success());
    let took = asked.elapsed();
    assert!((5..10).contains(&took.as_secs()), "{took:?}");
    assert_eq!(sleeping(&world).await, 0);
    assert_eq!(world.sandbox.outstanding_authorizations(), 0);
    assert_eq!(support::machine::logged(&log, "unfinished"), 0);
    assert!(!Path::new(world.var("BOREALIS_SOCKET")).exists());
    // It is wanted still.
    world.until_state(TARGET, SessionState::Up).await;
    world.finish().await;
}

#[tokio::test]
async fn a_run_has_the_same_time_to_finish_and_nobody_opens_anything_meanwhile() {
    let world = World::new().await;
    let mut daemon = started(&world).await;
    let select = "select 'whole' from pg_sleep(2)";
    let mut run = world.ctl_command(&["run", TARGET, "-f", "csv", "-d", select]);
    let run = run.stdout(Stdio::piped()).spawn().unwrap();
    let sql = "select 1 from pg_stat_activity where query like '%whole%' and state = 'active'";
    world
        .until("it runs", || async { world.sandbox.sql("d1", sql).await.unwrap().len() > 1 })
        .await;
    send(&daemon, "TERM").await;
    let output = timeout(PATIENCE, run.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "?column?\nwhole\n");
    assert!(timeout(PATIENCE, daemon.child.wait()).await.unwrap().unwrap().success());
    assert_eq!(world.sandbox.outstanding_authorizations(), 0);
    assert_eq!(world.up(&[TARGET]).await.state, SessionState::Up);
    world.finish().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_the_next_daemon_has_everything() {
    let world = World::new().await;
    let mut daemon = started(&world).await;
    let session = world.up_reserved(&[TARGET], 0).await;
    let query = asleep(&world, &session).await;
    send(&daemon, "TERM").await;
    let log = world.state_dir().join("borealisd.log");
    world.until("it stops", || async { support::machine::logged(&log, "stopping") > 0 }).await;
    let asked = Instant::now();
    send(&daemon, "INT").await;
    let ended = timeout(PATIENCE, daemon.child.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let output = timeout(PATIENCE, query.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(2), "psql lost its connection");
    // Nobody was left to end it.
    let end =
        format!("select pg_terminate_backend(pid) from pg_stat_activity where query = '{SLEEP}'");
    world.sandbox.sql("d1", &end).await.unwrap();
    let socket = Path::new(world.var("BOREALIS_SOCKET"));
    assert!(!socket.exists());
    assert!(!socket.with_file_name("pgpass").exists(), "no password stays");
    world.until_state(TARGET, SessionState::Up).await;
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    world.finish().await;
}

/// The programs in a directory of their own, where they can be replaced.
struct Installed(PathBuf);

impl Installed {
    fn new(world: &World) -> Self {
        let dir = world.sandbox.dir().join("bin");
        std::fs::create_dir(&dir).unwrap();
        let installed = Self(dir);
        installed.install();
        installed
    }

    /// As package managers do: a new file takes the name.
    fn install(&self) {
        for name in ["borealisctl", "borealisd"] {
            let new = self.0.join(format!(".{name}.new"));
            std::fs::copy(program(name), &new).unwrap();
            std::fs::rename(&new, self.0.join(name)).unwrap();
        }
    }

    async fn ctl(&self, world: &World, args: &[&str]) -> Said {
        let mut command = world.command(self.0.join("borealisctl"));
        command.args(args);
        run(command).await
    }
}

#[tokio::test]
async fn programs_are_replaced_under_a_running_daemon() {
    let world = World::new().await;
    let installed = Installed::new(&world);
    let port = world.sandbox.endpoints()[0].to_string();
    installed.ctl(&world, &["up", TARGET, "--port", &port]).await.ok();
    let session = world.status(TARGET).await;
    let before = world.daemon().await;
    assert!(!before.replaced);
    let mut query = world.psql_command(&session, "require", UNTIL_TOLD).await;
    let query = query.stdout(Stdio::piped()).spawn().unwrap();
    world.until("it runs", || async { world.status(TARGET).await.connections.open == 1 }).await;

    installed.install();
    let said = installed.ctl(&world, &["status", TARGET]).await;
    let warnings = said.err.matches("borealisctl daemon restart").count();
    assert_eq!(warnings, 1, "{}", said.err);
    assert!(said.ok().contains("up"));
    let status = installed.ctl(&world, &["daemon", "status"]).await.ok();
    assert!(status.contains("replaced"), "{status}");
    let doctor = installed.ctl(&world, &["doctor"]).await;
    assert!(doctor.out.contains("another borealisd was installed"), "{}", doctor.out);
    world.go_on().await;
    let output = query.wait_with_output().await.unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("whole"), "nothing was cut");

    let said = installed.ctl(&world, &["daemon", "restart"]).await;
    assert!(!said.err.contains("warning"), "who does it need not be told: {}", said.err);
    said.ok();
    let after = world.daemon().await;
    assert!(after.pid != before.pid && !after.replaced);
    let runs = std::fs::read_link(format!("/proc/{}/exe", after.pid)).unwrap();
    assert_eq!(runs, installed.0.join("borealisd").canonicalize().unwrap());
    world.until_state(TARGET, SessionState::Up).await;
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    assert!(!installed.ctl(&world, &["status"]).await.err.contains("warning"));
    world.finish().await;
}

/// A client of another version: what it says beyond our words is left out, and it is answered.
#[tokio::test]
async fn a_newer_and_an_older_client_are_answered() {
    let world = World::new().await;
    world.up_reserved(&[TARGET], 0).await;
    let ask = async |args: &[&str]| {
        let mut curl = world.command("curl");
        curl.args(["-s", "--unix-socket", world.var("BOREALIS_SOCKET")]).args(args);
        serde_json::from_str::<serde_json::Value>(&run(curl).await.ok()).unwrap()
    };
    let json = ["-H", "Content-Type: application/json", "-H"];
    let sessions = "http://localhost/v1/sessions";
    let newer = r#"{"target":"sushi/DATABASE","wait_ms":1000,"colour":{"deep":["blue"]}}"#;
    let newer = ask(&[&json[..], &["Borealis-Api: 99", "-d", newer, sessions]].concat()).await;
    assert_eq!(newer["state"], "up");
    let more = format!("{sessions}?wait=0&timeout_ms=1&colour=blue");
    let list = ask(&["-H", "Borealis-Api: 99", &more]).await;
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);
    let unknown = r#"{"target":"sushi/DATABASE","access":"read-sometimes"}"#;
    let unknown = ask(&[&json[..], &["Borealis-Api: 99", "-d", unknown, sessions]].concat()).await;
    assert_eq!(unknown["error"]["code"], "bad_request", "what it cannot do, it does not guess");
    let message = unknown["error"]["message"].as_str().unwrap();
    assert!(message.contains("newer"), "{message}");
    // The oldest one sends no version at all, and the one field that there must be.
    let oldest = r#"{"target":"sushi/DATABASE"}"#;
    let oldest = ask(&[&json[..2], &["-d", oldest, sessions]].concat()).await;
    assert_eq!(oldest["target"], TARGET);
    world.finish().await;
}
