//! Who opens what while others open, wait or leave.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use std::process::Stdio;
use std::time::Duration;

use borealis_proto::{Access, ErrorCode, Session, SessionState};
use borealis_sandbox::Fault;
use futures_util::future::join_all;
use support::{PATIENCE, Said, World, run, signal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixStream};
use tokio::process::{Child, ChildStderr};
use tokio::time::{Instant, timeout};

const TARGET: &str = "sushi/DATABASE";
const OTHER: &str = "udon/DATABASE";
/// What tells the users of the two accesses and of the application apart.
const USER: &str = "select current_user";

async fn run_as(world: &World, target: &str, more: &[&str]) -> String {
    let args = [&["run", target, "-f", "csv", "-d", USER], more].concat();
    world.ctl(&args).await.ok().lines().last().unwrap().to_owned()
}

#[tokio::test]
async fn a_sessions_id_names_it_and_for_another_user_the_add_on_behind_it() {
    let world = World::new().await;
    let read = world.up(&[TARGET]).await;
    let write = world.up(&[TARGET, "-w"]).await;
    let user = |session: &Session| session.user.clone().unwrap();
    assert_eq!(run_as(&world, read.id.as_str(), &["-u"]).await, user(&read));
    assert_eq!(run_as(&world, write.id.as_str(), &["-u"]).await, user(&write), "its id says which");
    assert_eq!(run_as(&world, read.id.as_str(), &["-u", "-w"]).await, user(&write), "asked for");
    assert!(run_as(&world, read.id.as_str(), &[]).await.starts_with("app_"));
    let psql = ["psql", write.id.as_str(), "--", "-XAtc", USER];
    assert_eq!(world.ctl(&psql).await.ok(), user(&write));
    assert_eq!(world.up(&[read.id.as_str()]).await.id, read.id);
    assert!(world.ctl(&["ps", write.id.as_str()]).await.ok().contains("pid"));
    let none = world.ctl(&["run", "ses_none", "-d", "select 1"]).await.fails(4);
    assert!(none.contains("no session ses_none is open"), "{none}");
    world.finish().await;
}

/// A request on a connection of its own, which holds what it answers with; its first words come
/// with it.
async fn ask(world: &World, request: &str, body: &str) -> (UnixStream, String) {
    let mut socket = UnixStream::connect(world.var("BOREALIS_SOCKET")).await.unwrap();
    let head = format!(
        "{request} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 16 * 1024];
    let size = socket.read(&mut answer).await.unwrap();
    answer.truncate(size);
    (socket, String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn a_session_that_was_found_stays_until_its_finder_holds_it() {
    let world = World::new().await;
    world.ctl(&["daemon", "start"]).await.ok();
    let wish = format!(r#"{{"target":"{TARGET}","access":"read-only","ephemeral":true}}"#);
    let (_, made) = ask(&world, "POST /v1/sessions", &wish).await;
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    let hold = format!("GET /v1/sessions/{}/hold", world.ls().await[0].id);
    let (first, held) = ask(&world, &hold, "").await;
    assert!(held.starts_with("HTTP/1.1 200"), "{held}");

    let (_, found) = ask(&world, "POST /v1/sessions", &wish).await;
    assert!(found.starts_with("HTTP/1.1 200"), "{found}");
    drop(first);
    // Long enough for a session that nobody holds to end.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (second, held) = ask(&world, &hold, "").await;
    assert!(held.starts_with("HTTP/1.1 200"), "{held}");
    assert_eq!(world.status(TARGET).await.connections.open, 0);
    drop(second);
    world.until("the last has left", || async { world.ls().await.is_empty() }).await;
    world.finish().await;
}

/// Each of them may find the session of the one before, which is about to end it.
#[tokio::test]
async fn who_finds_a_session_that_another_is_about_to_leave_is_served() {
    let world = World::new().await;
    let worker = async || {
        for _ in 0..12 {
            let said = world.ctl(&["run", TARGET, "-f", "csv", "-d", "select 7"]).await;
            assert_eq!(said.ok(), "?column?\n7");
        }
    };
    tokio::join!(worker(), worker(), worker());
    world.until("the last has left", || async { world.ls().await.is_empty() }).await;
    world.finish().await;
}

#[tokio::test]
async fn who_waits_for_heroku_keeps_nobody_else_waiting() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    let path = Some("addon-attachments/resolve".to_owned());
    world.sandbox.fault(Fault::Hang { times: 1, path }).await.unwrap();
    let mut slow = world.ctl_command(&["up", OTHER, "--no-wait"]);
    let slow = slow.kill_on_drop(true).spawn().unwrap();
    world.until("it asks", || async { world.sandbox.count("POST", "/resolve") > 1 }).await;
    let begun = Instant::now();
    let psql = ["psql", TARGET, "--", "-XAtc", "select 1"];
    assert_eq!(world.ctl(&psql).await.ok(), "1");
    let third = world.up(&["ramen/DATABASE"]).await;
    assert_eq!(third.state, SessionState::Up);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    drop(slow);
    world.finish().await;
}

#[tokio::test]
async fn all_that_are_opened_at_once_are_one_session_for_each_database() {
    let world = World::new().await;
    let targets = [TARGET, "sushi", OTHER, TARGET, "udon", TARGET];
    let up = async |target| world.up(&[target]).await;
    let opened = join_all(targets.map(up)).await;
    let ports: Vec<u16> = opened.iter().map(|session| session.endpoint.port).collect();
    assert_eq!(world.ls().await.len(), 2, "{ports:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_port_that_a_session_waits_for_is_not_given_to_another() {
    let world = World::new().await;
    let one = world.up_reserved(&[TARGET], 0).await;
    world.ctl(&["daemon", "stop"]).await.ok();
    let squatter = TcpListener::bind(("127.0.0.1", one.endpoint.port)).await.unwrap();
    world.until_state(TARGET, SessionState::Blocked).await;
    assert_eq!(world.status(TARGET).await.reason.unwrap().code, ErrorCode::PortTaken);
    drop(squatter);
    let port = one.endpoint.port.to_string();
    let refused = world.ctl(&["up", OTHER, "--port", &port]).await.fails(7);
    assert!(refused.contains("is taken"), "{refused}");
    world.until_state(TARGET, SessionState::Up).await;
    world.ctl(&["daemon", "restart"]).await.ok();
    assert_eq!(world.status(TARGET).await.endpoint, one.endpoint);
    world.finish().await;
}

/// What `up` takes over from a psql stays where `up` alone would have put it.
#[tokio::test]
async fn an_address_is_the_same_whoever_was_first() {
    let world = World::new().await;
    let sleeps = ["psql", TARGET, "--", "-XAtc", "select pg_sleep(60)"];
    let psql = world.ctl_command(&sleeps).kill_on_drop(true).spawn().unwrap();
    world.until("psql is in", || async { world.ls().await.len() == 1 }).await;
    let adopted = world.up(&[TARGET]).await;
    assert_eq!((adopted.access, adopted.ephemeral), (Access::ReadOnly, false));
    drop(psql);
    world.ctl(&["down", TARGET, "--drain", "0"]).await.ok();
    let again: Said = run(world.ctl_command(&["up", TARGET, "--json"])).await;
    let again: Session = serde_json::from_str(&again.ok()).unwrap();
    assert_eq!(again.endpoint, adopted.endpoint);
    assert!((15_433..20_000).contains(&again.endpoint.port), "{}", again.endpoint.port);
    world.finish().await;
}

/// One that says that Ctrl+C ends it.
async fn tunnel(world: &World) -> (Child, BufReader<ChildStderr>) {
    let mut child = world.ctl_command(&["tunnel", TARGET]).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("Ctrl+C") {
        line.clear();
        let read = timeout(PATIENCE, stderr.read_line(&mut line)).await.unwrap().unwrap();
        assert_ne!(read, 0, "it ended");
    }
    (child, stderr)
}

/// What it said after Ctrl+C.
async fn interrupted((mut tunnel, mut stderr): (Child, BufReader<ChildStderr>)) -> String {
    assert!(signal(&mut tunnel, "INT").await.success());
    let mut said = String::new();
    timeout(PATIENCE, stderr.read_to_string(&mut said)).await.unwrap().unwrap();
    said
}

#[tokio::test]
async fn the_end_of_a_tunnel_is_not_the_end_of_what_others_need() {
    let world = World::new().await;
    let alone = tunnel(&world).await;
    assert!(interrupted(alone).await.contains("is closed"));
    assert!(world.ls().await.is_empty());

    let first = tunnel(&world).await;
    let sleeps = ["psql", TARGET, "--", "-XAtc", "select pg_sleep(60)"];
    let psql = world.ctl_command(&sleeps).kill_on_drop(true).spawn().unwrap();
    let asleep = || async {
        let sql = "select 1 from pg_stat_activity where query = 'select pg_sleep(60)'";
        world.sandbox.sql("d1", sql).await.unwrap().len() == 1
    };
    world.until("psql is in", asleep).await;
    let said = interrupted(first).await;
    assert!(said.contains("until others have done with it"), "{said}");
    assert!(asleep().await, "psql goes on");
    drop(psql);
    world.until("the last has left", || async { world.ls().await.is_empty() }).await;

    let first = tunnel(&world).await;
    world.up(&[TARGET]).await;
    let said = interrupted(first).await;
    assert!(said.contains(&format!("borealisctl down {TARGET}")), "{said}");
    assert_eq!(world.status(TARGET).await.state, SessionState::Up);
    world.finish().await;
}

/// Heroku attaches one add-on to several apps, and `up` finds the session whatever it is called.
#[tokio::test]
async fn what_is_open_is_found_by_the_add_ons_other_name() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let attach = Fault::Attach {
        app: "ramen".to_owned(),
        name: "DATABASE".to_owned(),
        addon: session.addon.clone(),
    };
    world.sandbox.fault(attach).await.unwrap();
    const ALIAS: &str = "ramen/DATABASE";
    assert_eq!(world.up(&[ALIAS]).await.id, session.id);
    assert_eq!(world.status(ALIAS).await.id, session.id);
    let writing = world.up(&[ALIAS, "-w"]).await;
    assert_eq!(writing.target, ALIAS);
    let by_addon = run_as(&world, &session.addon, &["-u", "-w"]).await;
    assert_eq!(by_addon, writing.user.unwrap(), "both are one add-on's");
    world.ctl(&["down", ALIAS]).await.ok();
    assert!(world.ls().await.is_empty(), "both of them");
    world.ctl(&["url", ALIAS]).await.fails(4);
    world.finish().await;
}
