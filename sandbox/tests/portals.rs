//! Networks that answer in the APIs' place, and names that mean nothing or another machine.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do; what was measured is said"
)]

mod support;

use std::time::Duration;

use borealis_proto::{ErrorCode, SessionState};
use borealis_sandbox::Fault;
use support::World;
use support::alone::{drop_packets, good_weather, is_alone, names, sh};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

const TARGET: &str = "sushi/DATABASE";
const NAME: &str = "ssh.borealis.test";

fn portal(path: &str, times: u32, redirect: bool) -> Fault {
    Fault::Portal { times, path: Some(path.to_owned()), redirect }
}

fn host(name: &str) -> Fault {
    Fault::SshHost { name: Some(name.to_owned()) }
}

#[tokio::test]
async fn a_portal_is_named_nothing_is_believed_and_it_goes_on_by_itself() {
    let world = World::new().await;
    // The call that gets a page, and a command that makes it.
    let up = &["up", TARGET, "--timeout", "2s"][..];
    let table = [
        ("/oauth/authorizations", up),
        ("/personal-ssh-users", up),
        ("/personal-db-users", up),
        ("/addon-attachments", up),
        ("/config-vars", &["run", TARGET, "-d", "select 1"][..]),
        ("/pg-extensions", &["extensions", TARGET][..]),
        ("/db-users", &["users", TARGET][..]),
    ];
    for redirect in [false, true] {
        for (path, command) in table {
            world.sandbox.clear_requests();
            world.sandbox.fault(portal(path, 1000, redirect)).await.unwrap();
            let said = world.ctl(command).await;
            assert_ne!(said.code, Some(0), "{path}: {}", said.out);
            let what = if redirect { "a redirect" } else { "a web page" };
            assert!(
                said.err.contains(&format!("the network answers with {what}")),
                "{path}: {said:?}"
            );
            assert!(said.err.contains("captive portal"), "{path}: {said:?}");
            assert_eq!(world.sandbox.count("GET", "/captive-portal"), 0, "the token goes nowhere");
            world.sandbox.fault(Fault::Resume).await.unwrap();
            if command == up && path != "/addon-attachments" {
                world.until_state(TARGET, SessionState::Up).await;
                world.ctl(&["down", TARGET, "--drain", "0"]).await.ok();
            }
            assert_eq!(world.ctl(&["daemon", "status"]).await.code, Some(0));
        }
    }
    world.up(&[TARGET]).await;
    world.finish().await;
}

#[tokio::test]
async fn an_authorization_is_not_believed_deleted_by_a_page() {
    let world = World::new().await;
    // The deletion alone has something behind the slash.
    world.sandbox.fault(portal("/oauth/authorizations/", 2, false)).await.unwrap();
    world.up(&[TARGET]).await;
    assert!(world.sandbox.outstanding_authorizations() > 0);
    world
        .until("it is deleted", || async { world.sandbox.outstanding_authorizations() == 0 })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn a_tunnel_that_is_up_does_not_mind_a_portal_and_a_cut_is_mended_behind_it() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let psql = world.psql_command(&session, "require", "select 1").await;
    world.sandbox.fault(portal("/", 1000, false)).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    assert_eq!(support::run(psql).await.ok(), "1");
    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn an_api_without_address_is_said() {
    let mut world = World::new().await;
    world.set("HEROKU_HOST", "https://api.nowhere.invalid");
    let said = world.ctl(&["up", TARGET, "--timeout", "3s"]).await;
    assert_ne!(said.code, Some(0));
    assert!(said.err.contains("Heroku cannot be reached"), "{said:?}");
    world.stop().await;
}

#[tokio::test]
async fn an_ssh_server_without_address_is_waited_for() {
    if !is_alone("an_ssh_server_without_address_is_waited_for").await {
        return;
    }
    let world = World::new().await;
    names(&world, "").await;
    world.sandbox.fault(host(NAME)).await.unwrap();
    world.ctl(&["up", TARGET, "--timeout", "3s"]).await.fails(8);
    let session = world.status(TARGET).await;
    let reason = session.reason.unwrap();
    assert_eq!((session.state, reason.code), (SessionState::Opening, ErrorCode::LinkLost));
    assert!(reason.message.contains(NAME) && reason.message.contains("lookup"), "{reason:?}");

    names(&world, &format!("127.0.0.1 {NAME}")).await;
    let known = Instant::now();
    world.until_state(TARGET, SessionState::Up).await;
    eprintln!("up {:?} after the name had an address", known.elapsed());
    world.finish().await;
}

#[tokio::test]
async fn an_address_that_is_dead_is_passed_over() {
    if !is_alone("an_address_that_is_dead_is_passed_over").await {
        return;
    }
    let world = World::new().await;
    // The one of IPv6 is tried first; that is how such a network is met.
    names(&world, &format!("::1 {NAME}\n127.0.0.1 {NAME}")).await;
    drop_packets(world.sandbox.info().relay_port, "ip6 daddr ::1").await;
    world.sandbox.fault(host(NAME)).await.unwrap();
    let begun = Instant::now();
    assert_eq!(world.up(&[TARGET]).await.state, SessionState::Up);
    eprintln!("the first address is dead: up after {:?}", begun.elapsed());
    // Within the first second there is nobody else to answer.
    let (least, most) = (Duration::from_secs(1), Duration::from_secs(6));
    assert!((least..most).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    good_weather().await;
    world.finish().await;
}

/// Another machine's SSH server, where our name leads to: everything that comes goes there.
async fn lead_astray(to: u16, at: TcpListener) {
    loop {
        let (mut client, _) = at.accept().await.unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        // Either may end first.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}

#[tokio::test]
async fn a_name_that_lies_blocks_until_another_network_tells_the_truth() {
    if !is_alone("a_name_that_lies_blocks_until_another_network_tells_the_truth").await {
        return;
    }
    let (mut world, strange) = (World::new().await, World::new().await);
    world.set("BOREALIS_LOG", "borealisd=debug");
    let elsewhere = ("127.0.0.2", world.sandbox.info().relay_port);
    let listener = TcpListener::bind(elsewhere).await.unwrap();
    let story = async {
        names(&world, &format!("127.0.0.1 {NAME}")).await;
        world.sandbox.fault(host(NAME)).await.unwrap();
        let session = world.up(&[TARGET]).await;
        names(&world, &format!("127.0.0.2 {NAME}")).await;
        world.sandbox.fault(Fault::Cut).await.unwrap();
        world.until_state(TARGET, SessionState::Blocked).await;
        let blocked = world.status(TARGET).await;
        let reason = blocked.reason.unwrap();
        assert_eq!(reason.code, ErrorCode::HostKeyChanged);
        assert!(reason.hint.unwrap().contains("when the network changes"));
        let due = blocked.next_retry_at.unwrap().duration_since(jiff::Timestamp::now());
        assert!((200..=300).contains(&due.as_secs()), "{due}");
        let log = strange.sandbox.sshd_log();
        assert!(log.contains("Connection from"), "it was led astray");
        assert!(!log.contains("publickey"), "nobody tried to log in there: {log}");
        let psql = world.psql_with(&session, "prefer", "select 1").await.fails(2);
        assert!(psql.contains("host key"), "who comes is told at once: {psql}");

        names(&world, &format!("127.0.0.1 {NAME}")).await;
        world.sandbox.clear_requests();
        let log = world.state_dir().join("borealisd.log");
        let watched =
            || std::fs::read_to_string(&log).unwrap().contains("the addresses are watched");
        world.until("the addresses are watched", || async { watched() }).await;
        sh("ip address add 10.9.8.7/32 dev lo").await;
        let changed = Instant::now();
        world.until_state(TARGET, SessionState::Up).await;
        eprintln!("up {:?} after the change of network", changed.elapsed());
        assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
        assert!(world.sandbox.requests().is_empty(), "with the key that was held");
    };
    tokio::select! {
        () = story => {}
        () = lead_astray(strange.sandbox.info().sshd_port, listener) => {}
    }
    world.finish().await;
}
