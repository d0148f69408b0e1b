//! A disk that is full or cannot be written, and directories that somebody removes: what is open
//! goes on, it is said, and what could not be written is written later.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::path::Path;

use borealis_proto::SessionState;
use support::machine::{Daemon, is_root};
use support::{World, program};

const TARGET: &str = "sushi/DATABASE";
const OTHER: &str = "udon/DATABASE";
const SMALL: &str = "mount -t tmpfs -o size=256k,mode=700 small \"$1\"";
const FILL: &str = "dd if=/dev/zero of=\"$1\"/borealis.fill bs=4096 2>/dev/null || true";
const SAVED: &str = "cat \"$1\"/sessions.json";
/// As a file system is that the kernel has lost its trust in.
const READ_ONLY: &str = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"";

#[tokio::test]
async fn on_a_full_disk_sessions_open_and_are_written_once_there_is_room() {
    if !is_root() {
        return;
    }
    let world = World::new().await;
    let daemon = Daemon::with_mounts(&world, SMALL).await;
    let one = world.up_reserved(&[TARGET], 0).await;
    let before = daemon.inside(&world, SAVED).await.ok();
    assert!(before.contains("\"sushi\""), "{before}");
    daemon.inside(&world, FILL).await.ok();

    let said = world.ctl(&["up", OTHER]).await;
    assert_eq!(said.code, Some(0), "it works: {}", said.err);
    assert!(said.err.contains("No space left on device"), "{}", said.err);
    assert!(said.err.contains("df -h"), "it says what to do: {}", said.err);
    assert_eq!(daemon.inside(&world, SAVED).await.ok(), before, "the old file is whole");
    let other = world.status(OTHER).await;
    assert!(other.unsaved.is_some());
    for session in [&one, &other] {
        assert_eq!(world.psql(session, "select 1").await.ok(), "1");
    }
    let doctor = world.ctl(&["doctor"]).await;
    assert!(doctor.out.contains("would not be so after a restart"), "{}", doctor.out);
    // Each writes to the log, which is on the same disk.
    for _ in 0..30 {
        assert_eq!(world.ctl(&["reconnect", TARGET]).await.code, Some(0));
    }

    daemon.inside(&world, "rm \"$1\"/borealis.fill").await.ok();
    world.until("it is written", || async { world.status(OTHER).await.unsaved.is_none() }).await;
    let saved = daemon.inside(&world, SAVED).await.ok();
    assert!(saved.contains("\"sushi\"") && saved.contains("\"udon\""), "{saved}");
    assert!(world.daemon().await.health.notices.is_empty());
    world.ctl(&["reconnect", TARGET]).await.ok();
    let log = daemon.inside(&world, "cat \"$1\"/borealisd.log").await.ok();
    assert!(log.contains("lines could not be written"), "the log says that it has a hole");
    daemon.stop(&world).await;
}

#[tokio::test]
async fn what_is_closed_on_a_full_disk_does_not_come_back() {
    if !is_root() {
        return;
    }
    let world = World::new().await;
    let daemon = Daemon::with_mounts(&world, SMALL).await;
    world.up_reserved(&[TARGET], 0).await;
    daemon.inside(&world, FILL).await.ok();
    let said = world.ctl(&["down", TARGET]).await;
    assert_eq!(said.code, Some(0));
    assert!(said.err.contains("No space left on device"), "{}", said.err);
    daemon.inside(&world, "rm \"$1\"/borealis.fill").await.ok();
    world
        .until("it is written", || async {
            !daemon.inside(&world, SAVED).await.ok().contains("\"sushi\"")
        })
        .await;
    daemon.stop(&world).await;
}

#[tokio::test]
async fn a_daemon_that_starts_where_nothing_can_be_written_serves_what_was_wanted() {
    if !is_root() {
        return;
    }
    let world = World::new().await;
    let session = world.up_reserved(&[TARGET], 0).await;
    world.ctl(&["daemon", "stop"]).await.ok();
    let daemon = Daemon::with_mounts(&world, READ_ONLY).await;
    world.until_state(TARGET, SessionState::Up).await;
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    let notices = world.daemon().await.health.notices;
    assert!(notices.iter().any(|notice| notice.contains("Read-only file system")), "{notices:?}");
    let said = world.ctl(&["up", OTHER]).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("Read-only file system"), "{}", said.err);
    world.ctl(&["doctor"]).await.fails(1);

    // A second daemon is kept away all the same.
    let mut second = world.command("nsenter");
    second.args(["--mount", "--target", &daemon.pid()]).arg(program("borealisd"));
    let second = support::run(second).await;
    assert_eq!(second.code, Some(0));
    assert!(second.err.contains("already running"), "{}", second.err);

    daemon.inside(&world, "mount -o remount,bind,rw \"$1\"").await.ok();
    world.until("it is written", || async { world.status(OTHER).await.unsaved.is_none() }).await;
    world.until("there is a log", || async { has_log(&world, "up to date again") }).await;
    daemon.stop(&world).await;
    assert_eq!(world.ls().await.len(), 2, "the next daemon has both");
    world.stop().await;
}

fn has_log(world: &World, text: &str) -> bool {
    support::machine::logged(&world.state_dir().join("borealisd.log"), text) > 0
}

#[tokio::test]
async fn a_client_starts_a_daemon_also_where_nothing_can_be_written() {
    if !is_root() {
        return;
    }
    let world = World::new().await;
    let session = world.up_reserved(&[TARGET], 0).await;
    world.ctl(&["daemon", "stop"]).await.ok();
    // The client is in the namespace, and so is the daemon that it starts.
    let mut client = world.command("unshare");
    client.args(["--mount", "sh", "-e", "-c"]).arg(format!("{READ_ONLY}\nexec \"$2\" ls"));
    client.arg("sh").arg(world.state_dir()).arg(program("borealisctl"));
    let said = support::run(client).await.ok();
    assert!(said.contains(TARGET), "{said}");
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    world.stop().await;
}

#[tokio::test]
async fn a_daemon_whose_directories_are_removed_is_there_again() {
    let world = World::new().await;
    let session = world.up_reserved(&[TARGET], 0).await;
    let pid = world.daemon().await.pid;
    let socket = Path::new(world.var("BOREALIS_SOCKET")).to_owned();

    // The runtime directory, as when the last login of the user ends.
    std::fs::remove_dir_all(socket.parent().unwrap()).unwrap();
    assert_eq!(world.ls().await.len(), 1, "a command waits for it");
    assert_eq!(world.daemon().await.pid, pid, "it is the same daemon");

    // Everything.
    std::fs::remove_dir_all(world.state_dir()).unwrap();
    let file = world.state_dir().join("sessions.json");
    world.until("what is wanted is written again", || async { file.exists() }).await;
    assert_eq!(world.daemon().await.pid, pid);
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    world.until("there is a log", || async { has_log(&world, "made again") }).await;
    world.finish().await;
}

#[tokio::test]
async fn of_two_daemons_after_the_directories_were_removed_the_older_one_leaves() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let older = world.daemon().await.pid;
    let socket = Path::new(world.var("BOREALIS_SOCKET")).to_owned();
    std::fs::remove_dir_all(world.state_dir()).unwrap();
    std::fs::remove_dir_all(socket.parent().unwrap()).unwrap();
    // Before the older one has noticed, or after: one is left, and it answers.
    world.up(&[TARGET]).await;
    let gone = || async {
        let now = world.daemon().await.pid;
        now == older || !Path::new(&format!("/proc/{older}")).exists()
    };
    world.until("one is left", gone).await;
    world.until_state(TARGET, SessionState::Up).await;
    assert!(socket.exists(), "the one that left took nothing along");
    let session = world.ls().await.into_iter().find(|now| now.target == session.target).unwrap();
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    world.finish().await;
}
