//! A daemon under conditions that only a machine can have: few descriptors, a small disk, a clock
//! that somebody sets. It is a child of the test's, and ends with it.

use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::{Said, World, program, run};

/// Ended when it is dropped.
pub struct Daemon {
    pub child: Child,
}

impl Daemon {
    /// Started by a command to which the program is yet to be added, and serving.
    pub async fn under(world: &World, mut command: Command) -> Self {
        command.arg(program("borealisd")).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Self { child: command.spawn().unwrap() };
        daemon.serves(world).await;
        daemon
    }

    /// In a mount namespace of its own, where the state directory is what a script makes it: `$1`
    /// is its path. For root.
    pub async fn with_mounts(world: &World, script: &str) -> Self {
        let mut command = world.command("unshare");
        command.args(["--mount", "sh", "-e", "-c", &format!("{script}\nexec \"$2\""), "sh"]);
        command.arg(world.state_dir());
        Self::under(world, command).await
    }

    async fn serves(&self, world: &World) {
        // Of the commands that ask it, this one starts no daemon of its own.
        let serves = || async { world.ctl(&["daemon", "status"]).await.code == Some(0) };
        world.until("it serves", serves).await;
    }

    pub fn pid(&self) -> String {
        self.child.id().unwrap().to_string()
    }

    /// Runs a script in the daemon's mount namespace; `$1` is the state directory.
    pub async fn inside(&self, world: &World, script: &str) -> Said {
        let mut command = world.command("nsenter");
        command.args(["--mount", "--target", &self.pid(), "sh", "-e", "-c", script, "sh"]);
        command.arg(world.state_dir());
        run(command).await
    }

    /// Descriptors that it has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// By `daemon stop`.
    pub async fn stop(mut self, world: &World) {
        world.ctl(&["daemon", "stop"]).await.ok();
        assert!(self.child.wait().await.unwrap().success());
    }
}

/// Says why a test does nothing, unless it may.
#[expect(clippy::print_stderr, reason = "a test that could not do its work says so")]
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("not root: there are no mounts to make");
    }
    root
}

/// How often the daemon's log has a text.
pub fn logged(log: &Path, text: &str) -> usize {
    std::fs::read_to_string(log).unwrap_or_default().matches(text).count()
}

/// What Linux says of a process' memory under this name, in KiB.
pub fn kib(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
