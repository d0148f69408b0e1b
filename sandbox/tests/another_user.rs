//! A daemon of another user, as root sees it: its memory is closed to that user's other programs, and
//! our client does not speak to it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a helper that fails should fail the test")]

mod support;

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;

use support::{program, run, signal};
use tokio::process::{Child, Command};

/// Nobody's, on every Linux.
const OTHER: u32 = 65534;

/// Runs as another user if that can be, else as ourselves.
fn as_other(program: &Path, home: &Path) -> Command {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        let id = OTHER.to_string();
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", home).env("BOREALIS_STATE_DIR", home.join("state"));
    command.env("BOREALIS_SOCKET", home.join("run/borealisd.sock"));
    command.env("HEROKU_API_KEY", "HRKU-canary").current_dir("/").kill_on_drop(true);
    command
}

/// A directory of the other user's with the program in it: ours may be where he cannot go.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::copy(program("borealisd"), home.path().join("borealisd")).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(home.path(), Some(OTHER), Some(OTHER)).unwrap();
    }
    std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o700)).unwrap();
    home
}

async fn daemon(home: &Path) -> Child {
    let mut command = as_other(&home.join("borealisd"), home);
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let socket = home.join("run/borealisd.sock");
    tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while !socket.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    child
}

#[tokio::test]
async fn a_daemons_memory_is_closed_to_programs_of_the_same_user_and_leaves_no_core() {
    let home = home();
    let mut child = daemon(home.path()).await;
    let pid = child.id().unwrap();
    // Whoever may read these may read keys and passwords.
    for file in ["environ", "mem", "maps", "auxv"] {
        let mut cat = as_other(Path::new("head"), home.path());
        cat.args(["-c", "1", &format!("/proc/{pid}/{file}")]);
        let said = run(cat).await;
        assert_ne!(said.code, Some(0), "{file} is open: {said:?}");
        assert!(said.err.contains("ermission denied"), "{file}: {said:?}");
    }
    // So could he read those of another program of his.
    let mut open = as_other(Path::new("head"), home.path());
    open.args(["-c", "1", "/proc/self/environ"]);
    assert_eq!(run(open).await.code, Some(0));

    // A fault that the program makes itself ends like this one; from outside, the first SIGSEGV only
    // removes the handler that tells a stack's overflow from other faults.
    let status = signal(&mut child, "ABRT").await;
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that could not do its work says so")]
async fn our_client_does_not_speak_to_a_daemon_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not root: there is no second user to try with");
        return;
    }
    let home = home();
    let mut child = daemon(home.path()).await;
    let mut ctl = Command::new(program("borealisctl"));
    ctl.args(["ls"]).env("BOREALIS_SOCKET", home.path().join("run/borealisd.sock"));
    ctl.env("BOREALIS_STATE_DIR", home.path().join("ours"));
    let error = run(ctl).await.fails(3);
    assert!(error.contains("user 65534 listens there, not user 0"), "{error}");
    let log = std::fs::read_to_string(home.path().join("state/borealisd.log")).unwrap();
    assert!(!log.contains("request{"), "{log}");
    signal(&mut child, "TERM").await;
}
