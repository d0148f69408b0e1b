//! Secrets live in memory only: every secret that the service hands out is looked for everywhere.

#![allow(clippy::unwrap_used, reason = "a helper that fails should fail the test")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use borealis_sandbox::{Fault, Rotate};
use support::{World, signal};
use tokio::process::Child;

const TARGET: &str = "sushi/DATABASE";

/// Where each secret was seen.
fn seen(secrets: &[String], place: &str, text: &[u8]) -> Vec<String> {
    let found =
        |secret: &&String| text.windows(secret.len()).any(|window| window == secret.as_bytes());
    secrets.iter().filter(found).map(|secret| format!("{place}: {secret}")).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.is_file() {
            all.push(path);
        }
    }
    all
}

/// The arguments of every process on the machine.
fn arguments() -> Vec<u8> {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| std::fs::read(entry.unwrap().path().join("cmdline")).ok())
        .flatten()
        .collect()
}

#[tokio::test]
async fn no_secret_leaves_the_daemons_memory() {
    let mut world = World::new().await;
    world.set("BOREALIS_LOG", "trace");
    live_through_much(&world).await;
    let shown = what_is_shown(&world).await;
    assert!(shown.contains("snapshot"), "events were heard");
    let mut children = children(&world).await;

    let secrets = world.sandbox.secrets();
    assert!(secrets.len() > 8, "there is something to look for: {}", secrets.len());
    let mut leaks = seen(&secrets, "what the client shows", shown.as_bytes());
    leaks.extend(seen(&secrets, "arguments of a process", &arguments()));
    let in_state = files(world.state_dir());
    assert!(in_state.iter().any(|file| file.ends_with("sessions.json")));
    assert!(in_state.iter().any(|file| file.ends_with("borealisd.log")));
    for file in &in_state {
        leaks.extend(seen(&secrets, &file.display().to_string(), &std::fs::read(file).unwrap()));
    }
    let log = std::fs::read_to_string(world.state_dir().join("borealisd.log")).unwrap();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is as loud as it gets");
    assert_eq!(leaks, Vec::<String>::new());
    for child in &mut children {
        signal(child, "TERM").await;
    }
    world.finish().await;
}

/// New keys and passwords, failures, refusals: whatever could make somebody print a secret.
async fn live_through_much(world: &World) {
    world.up(&[TARGET]).await;
    world.up(&[TARGET, "-w"]).await;
    world.sandbox.fault(Fault::Rotate { what: Rotate::Ssh, addon: None }).await.unwrap();
    world.sandbox.fault(Fault::Rotate { what: Rotate::Db, addon: None }).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    world.ctl(&["refresh", TARGET]).await.ok();
    world.ctl(&["run", TARGET, "-d", "select 1"]).await.ok();
    world.ctl(&["run", TARGET, "-d", "select no_such_column"]).await.fails(1);
    let status = Fault::Status { code: 403, times: 4, path: None, retry_after: None };
    world.sandbox.fault(status).await.unwrap();
    world.ctl(&["up", "udon/DATABASE"]).await.fails(6);
}

async fn what_is_shown(world: &World) -> String {
    let mut shown = String::new();
    for args in [
        &["ls"][..],
        &["ls", "--json"],
        &["status", TARGET],
        &["status", TARGET, "--json"],
        &["daemon", "status", "--json"],
        &["doctor"],
        &["doctor", "--json", "--verbose"],
        &["daemon", "logs", "-n", "10000"],
    ] {
        let said = world.ctl(args).await;
        shown.push_str(&said.out);
        shown.push_str(&said.err);
    }
    let mut events = world.command("curl");
    events.args(["-sN", "--max-time", "1", "--unix-socket", world.var("BOREALIS_SOCKET")]);
    events.arg("http://localhost/v1/events");
    shown.push_str(&support::run(events).await.out);
    shown
}

/// psql and a child of `run`, alive.
async fn children(world: &World) -> Vec<Child> {
    let mut children = Vec::new();
    for args in [
        &["psql", TARGET, "--", "-X", "-c", "select pg_sleep(61)"][..],
        &["run", TARGET, "-u", "-e", "exec sleep 62"],
    ] {
        let mut command = world.ctl_command(args);
        children.push(command.stdout(Stdio::null()).spawn().unwrap());
    }
    world
        .until("both children run", || async {
            let all = String::from_utf8_lossy(&arguments()).replace('\0', " ");
            // Once in the arguments of borealisctl, once in its child's.
            ["pg_sleep(61)", "sleep 62"].iter().all(|words| all.matches(words).count() == 2)
        })
        .await;
    children
}

#[tokio::test]
async fn what_is_written_is_for_the_user_alone() {
    use std::os::unix::fs::MetadataExt;
    let world = World::new().await;
    world.up(&["sushi/DATABASE"]).await;
    let socket = PathBuf::from(world.var("BOREALIS_SOCKET"));
    let mut all = files(world.state_dir());
    all.extend([socket.clone(), socket.parent().unwrap().to_owned(), world.state_dir().to_owned()]);
    assert!(all.len() > 4);
    for path in all {
        let mode = std::fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
    world.finish().await;
}
