//! SSH servers that are unwell, one after the other, under a daemon with clients.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::time::Duration;

use borealis_proto::{ErrorCode, SessionState};
use borealis_sandbox::{Fault, Power, Rotate};
use support::clients::{connect, connect_to, turned_away, url};
use support::{PATIENCE, World, run};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const TARGET: &str = "sushi/DATABASE";
/// A whole psql, after something that a session gets over.
const SOON: Duration = Duration::from_secs(3);

fn settings(lines: &[&str]) -> Fault {
    Fault::SshdSettings { settings: lines.iter().map(|&line| line.to_owned()).collect() }
}

/// Somebody who is logging in, at a server that lets no two do that at once. Who comes later is
/// later in its queue.
async fn no_room_for_logins(world: &World) -> TcpStream {
    world.sandbox.fault(settings(&["MaxStartups 1:100:1"])).await.unwrap();
    TcpStream::connect(("127.0.0.1", world.sandbox.info().sshd_port)).await.unwrap()
}

#[tokio::test]
async fn sessions_killed_on_the_server_and_a_new_sshd_are_mended_with_the_same_key() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let other = connect(&world, TARGET).await;
    for fault in [Fault::KillSessions, Fault::KillSessions, Fault::Sshd { power: Power::Restart }] {
        let psql = world.psql_command(&session, "require", "select 1").await;
        world.sandbox.fault(fault).await.unwrap();
        let broken = Instant::now();
        assert_eq!(run(psql).await.ok(), "1");
        assert!(broken.elapsed() < SOON, "{:?}", broken.elapsed());
    }
    assert!(timeout(PATIENCE, other.simple_query("select 1")).await.unwrap().is_err());
    assert_eq!(world.sandbox.count("POST", "/personal-ssh-users"), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_opens_no_channels_is_said_to_clients_and_in_the_status() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let url = url(&world, TARGET).await;
    world.sandbox.fault(settings(&["AllowTcpForwarding no"])).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();

    let asked = Instant::now();
    let said = turned_away(&url).await;
    assert!(asked.elapsed() < Duration::from_secs(9), "{:?}", asked.elapsed());
    assert_eq!(said.code().code(), "57P03");
    assert!(said.message().contains("cannot reach the database"), "{}", said.message());
    assert!(said.hint().unwrap().contains("borealisctl"), "{:?}", said.hint());
    world
        .until("the status says it", || async {
            let session = world.status(TARGET).await;
            let code = session.reason.map(|reason| reason.code);
            (session.state, code) == (SessionState::Up, Some(ErrorCode::DatabaseUnreachable))
        })
        .await;
    world.ctl(&["doctor"]).await.fails(1);

    world.sandbox.fault(settings(&[])).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    world
        .until("nor does the status", || async { world.status(TARGET).await.reason.is_none() })
        .await;
    world.finish().await;
}

/// The server has no room for another login, which it says by hanging up; or takes the key no more.
#[tokio::test]
async fn a_second_link_refused_leaves_the_first_unharmed_and_shared() {
    for hangs_up in [true, false] {
        let world = World::new().await;
        world.up(&[TARGET]).await;
        let mut hanging = None;
        if hangs_up {
            hanging = Some(no_room_for_logins(&world).await);
        } else {
            let rotate = Fault::Rotate { what: Rotate::Ssh, addon: None };
            world.sandbox.fault(rotate).await.unwrap();
        }
        let url = url(&world, TARGET).await;
        let mut clients = Vec::new();
        for _ in 0..10 {
            let asked = Instant::now();
            let client = connect_to(&url).await;
            client.simple_query("select 1").await.unwrap();
            assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
            clients.push(client);
        }
        world
            .until("the second was tried", || async { world.sandbox.relay_stats().accepted > 1 })
            .await;
        for client in &clients {
            client.simple_query("select 1").await.unwrap();
        }
        let links = world.sandbox.relay_stats().accepted;
        assert_eq!(links, 2, "it is asked once in ten minutes");
        assert_eq!(world.sandbox.count("POST", "/personal-ssh-users"), 1, "for no new key");
        let session = world.status(TARGET).await;
        assert_eq!((session.state, session.reason), (SessionState::Up, None));
        drop((hanging, clients));
        world.finish().await;
    }
}

#[tokio::test]
async fn a_server_with_no_room_for_logins_is_waited_for() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let hanging = no_room_for_logins(&world).await;
    world.sandbox.fault(Fault::Cut).await.unwrap();
    world
        .until("it was turned away more than once", || async {
            let session = world.status(TARGET).await;
            session.state == SessionState::Reconnecting && session.attempt > 2
        })
        .await;
    let reason = world.status(TARGET).await.reason.unwrap();
    assert_eq!(reason.code, ErrorCode::LinkLost, "{}", reason.message);
    let psql = world.psql_command(&session, "require", "select 1").await;
    drop(hanging);
    let free = Instant::now();
    assert_eq!(run(psql).await.ok(), "1");
    assert!(free.elapsed() < SOON, "{:?}", free.elapsed());
    assert_eq!(world.sandbox.count("POST", "/personal-ssh-users"), 1, "the key was good");
    world.finish().await;
}
