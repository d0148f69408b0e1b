//! What breaks under a session, and how soon it works again on the same port.

mod support;

use std::time::Duration;

use borealis_proto::{ErrorCode, SessionState};
use borealis_sandbox::{Fault, Power, Rotate};
use support::{UNTIL_TOLD, World, program, run, signal};
use tokio::process::Command;
use tokio::time::Instant;

const TARGET: &str = "sushi/DATABASE";

#[tokio::test]
async fn a_cut_is_noticed_at_once_and_the_next_psql_answers() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    for _ in 0..3 {
        let before = world.psql_command(&session, "require", "select 1").await;
        let cut_at = Instant::now();
        world.sandbox.fault(Fault::Cut).await.unwrap();
        assert_eq!(run(before).await.ok(), "1");
        assert!(cut_at.elapsed() < Duration::from_secs(2), "{:?}", cut_at.elapsed());
    }
    assert_eq!(world.sandbox.count("POST", "/personal-ssh-users"), 1, "the key was still good");
    assert_eq!(world.status(TARGET).await.endpoint, session.endpoint);
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_connects_while_sshd_is_down_waits_and_is_served() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let mut psql = world.psql_command(&session, "require", "select 1").await;
    world.sandbox.fault(Fault::Sshd { power: Power::Stop }).await.unwrap();
    world.until_state(TARGET, SessionState::Reconnecting).await;
    let status = world.status(TARGET).await;
    assert_eq!(status.reason.unwrap().code, ErrorCode::LinkLost);

    let client = psql.stdout(std::process::Stdio::piped()).spawn().unwrap();
    world.until("it waits", || async { world.status(TARGET).await.connections.waiting == 1 }).await;
    world.sandbox.fault(Fault::Sshd { power: Power::Start }).await.unwrap();
    let started_at = Instant::now();
    let output = client.wait_with_output().await.unwrap();
    assert_eq!(output.stdout, b"1\n");
    assert!(started_at.elapsed() < Duration::from_secs(2), "{:?}", started_at.elapsed());
    world.finish().await;
}

#[tokio::test]
async fn a_key_refused_after_a_cut_is_renewed_with_one_request() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let psql = world.psql_command(&session, "require", "select 1").await;
    world.sandbox.clear_requests();
    world.sandbox.fault(Fault::Rotate { what: Rotate::Ssh, addon: None }).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    assert_eq!(run(psql).await.ok(), "1");
    assert_eq!(world.sandbox.count("POST", "/personal-ssh-users"), 1);
    assert_eq!(world.sandbox.count("POST", "/personal-db-users"), 0);
    assert_eq!(world.sandbox.count("POST", "/oauth/authorizations"), 1);
    assert_eq!(world.sandbox.count("POST", "/resolve"), 1, "it may mean another add-on by now");
    world.finish().await;
}

#[tokio::test]
async fn a_rotated_password_is_renewed_by_whatever_uses_it() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    let rotate = || world.sandbox.fault(Fault::Rotate { what: Rotate::Db, addon: None });
    let old = world.ctl(&["url", TARGET]).await.ok();
    let question = ["-X", "-A", "-t", "-c", "select 1"];

    rotate().await.unwrap();
    world.ctl(&["refresh", TARGET]).await.ok();
    let refreshed = world.ctl(&["url", TARGET]).await.ok();
    assert_ne!(refreshed, old);
    let mut psql = world.command("psql");
    psql.args(question).arg(&refreshed);
    assert_eq!(run(psql).await.ok(), "1");

    rotate().await.unwrap();
    assert_eq!(
        world.ctl(&["run", TARGET, "-u", "-d", "select 1", "-f", "csv"]).await.ok(),
        "?column?\n1"
    );

    rotate().await.unwrap();
    let own = [&["psql", TARGET, "--"], &question[..]].concat();
    assert_eq!(world.ctl(&own).await.ok(), "1");

    rotate().await.unwrap();
    let url = world.ctl(&["url", TARGET]).await.ok();
    let mut psql = world.command("psql");
    psql.args(question).arg(&url);
    assert_eq!(run(psql).await.ok(), "1");
    let asked = |path| world.sandbox.count("POST", path);
    assert_eq!((asked("/personal-db-users"), asked("/personal-ssh-users")), (1 + 4, 1 + 1));
    world.finish().await;
}

#[tokio::test]
async fn a_refresh_does_not_cut_a_running_query() {
    let mut world = World::new().await;
    // Without a spare beside it, of which the count below knows nothing.
    world.set("BOREALIS_LINKS", "1");
    let session = world.up(&[TARGET]).await;
    let mut query = world.psql_command(&session, "require", UNTIL_TOLD).await;
    let query = query.stdout(std::process::Stdio::piped()).spawn().unwrap();
    world.until("it runs", || async { world.status(TARGET).await.connections.open == 1 }).await;
    let links = world.sandbox.relay_stats().accepted;
    world.ctl(&["refresh", TARGET]).await.ok();
    world.ctl(&["reconnect", TARGET]).await.ok();
    assert_eq!(world.sandbox.relay_stats().accepted, links + 2);
    world.go_on().await;
    let output = query.wait_with_output().await.unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("whole"));
    world.until("the old links are gone", || async { world.sandbox.ssh_connections() == 1 }).await;
    world.finish().await;
}

#[tokio::test]
async fn a_changed_host_key_blocks_and_nothing_is_sent_to_that_server() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    let accepted = || world.sandbox.sshd_log().matches("Accepted publickey").count();
    let tried = || world.sandbox.sshd_log().matches("Failed publickey").count();
    let before = (accepted(), tried());
    world.sandbox.fault(Fault::HostKey { announce: false }).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    world.until_state(TARGET, SessionState::Blocked).await;
    assert_eq!((accepted(), tried()), before, "nobody tried to log in");

    let session = world.status(TARGET).await;
    let reason = session.reason.unwrap();
    assert_eq!(reason.code, ErrorCode::HostKeyChanged);
    let due = session.next_retry_at.unwrap().duration_since(jiff::Timestamp::now());
    assert!((200..=300).contains(&due.as_secs()), "it is looked at again by itself: {due}");
    assert_eq!(reason.message.matches("SHA256:").count(), 2, "{}", reason.message);
    let log = std::fs::read_to_string(world.state_dir().join("borealisd.log")).unwrap();
    let line = log.lines().find(|line| line.matches("SHA256:").count() == 2);
    assert!(line.is_some(), "both fingerprints are in the log");
    world.ctl(&["wait", TARGET, "--timeout", "5s"]).await.fails(1);

    // The service confirms the new key; refresh asks it.
    world.sandbox.fault(Fault::HostKey { announce: true }).await.unwrap();
    world.ctl(&["refresh", TARGET]).await.ok();
    let session = world.status(TARGET).await;
    assert_eq!(session.state, SessionState::Up);
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    world.finish().await;
}

#[tokio::test]
async fn after_kill_9_the_next_command_brings_all_sessions_back_on_their_ports() {
    let world = World::new().await;
    let one = world.up_reserved(&[TARGET], 0).await;
    let other = world.up_reserved(&["udon/DATABASE", "-w"], 1).await;
    let pid = world.daemon().await.pid.to_string();
    Command::new("kill").args(["-KILL", &pid]).status().await.unwrap();
    world
        .until("both are up", || async {
            world.ls().await.iter().filter(|now| now.state == SessionState::Up).count() == 2
        })
        .await;
    for before in [one, other] {
        let now = world.status(before.id.as_str()).await;
        assert_eq!((now.endpoint, now.access), (before.endpoint.clone(), before.access));
        assert_eq!(world.psql(&before, "select 1").await.ok(), "1");
    }
    world.finish().await;
}

#[tokio::test]
async fn of_two_daemons_one_serves_and_the_other_says_so() {
    let world = World::new().await;
    let start = || {
        let mut command = world.command(program("borealisd"));
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let (mut one, mut other) = (start(), start());
    let (left, mut stays) = tokio::select! {
        _ = one.wait() => (one, other),
        _ = other.wait() => (other, one),
    };
    let output = left.wait_with_output().await.unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{words}");
    assert!(words.contains("already running"), "it says why: {words}");
    world.up(&[TARGET]).await;
    assert_eq!(world.daemon().await.pid, stays.id().unwrap());
    world.ctl(&["down", "--all", "--drain", "0"]).await.ok();
    assert!(signal(&mut stays, "TERM").await.success());
    assert!(!std::path::Path::new(world.var("BOREALIS_SOCKET")).exists());
    world.stop().await;
}

#[tokio::test]
async fn a_state_file_that_is_not_right_is_moved_aside_and_said() {
    let world = World::new().await;
    world.up_reserved(&[TARGET], 0).await;
    world.ctl(&["daemon", "stop"]).await.ok();
    let file = world.state_dir().join("sessions.json");
    let good = std::fs::read_to_string(&file).unwrap();
    let newer = good.replace("\"version\": 1", "\"version\": 99");
    assert_ne!(newer, good);
    let table = [
        ("corrupt", "what?".to_owned()),
        ("truncated", good[..good.len() / 2].to_owned()),
        ("newer", newer),
    ];
    for (word, text) in table {
        std::fs::write(&file, &text).unwrap();
        assert!(world.ls().await.is_empty(), "{word}");
        let notices = world.daemon().await.health.notices;
        assert!(notices.iter().any(|notice| notice.contains(word)), "{word}: {notices:?}");
        let aside = std::fs::read_dir(world.state_dir()).unwrap();
        let aside: Vec<_> = aside
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains(&format!("sessions.json.{word}")))
            .collect();
        assert_eq!(aside.len(), 1, "{word}");
        assert_eq!(std::fs::read_to_string(&aside[0]).unwrap(), text, "nothing is lost");
        world.ctl(&["daemon", "stop"]).await.ok();
    }
    world.finish().await;
}

#[tokio::test]
async fn an_outage_of_the_apis_does_not_touch_a_tunnel_that_is_up() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let psql = world.psql_command(&session, "require", "select 1").await;
    let outage = |path: &str| Fault::Status {
        code: 503,
        times: 1000,
        path: Some(path.to_owned()),
        retry_after: None,
    };
    world.sandbox.fault(outage("/")).await.unwrap();
    world.ctl(&["refresh", TARGET, "--timeout", "3s"]).await.fails(1);
    assert_eq!(world.status(TARGET).await.state, SessionState::Up);
    assert_eq!(run(psql).await.ok(), "1");

    // Nor does it keep a cut from being mended with what is held.
    let psql = world.psql_command(&session, "require", "select 1").await;
    world.sandbox.fault(Fault::Cut).await.unwrap();
    assert_eq!(run(psql).await.ok(), "1");
    world.finish().await;
}

#[tokio::test]
async fn a_reconnect_that_made_no_new_link_says_so() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    world.sandbox.fault(Fault::HostKey { announce: false }).await.unwrap();
    let said = world.ctl(&["reconnect", TARGET]).await.fails(1);
    assert!(said.contains("host key"), "{said}");
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1", "the old link serves on");
    world.finish().await;
}

/// Also where the link that is asked for and the session's end of the matter both take for ever.
#[tokio::test]
async fn reconnect_answers_within_its_timeout() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    world.sandbox.fault(Fault::Stall).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    world.until_state(TARGET, SessionState::Reconnecting).await;
    let begun = Instant::now();
    let said = world.ctl(&["reconnect", TARGET, "--timeout", "4s"]).await;
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
    assert_ne!(said.code, Some(0), "{said:?}");
    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.ctl(&["wait", TARGET]).await.ok();
    world.finish().await;
}
