//! Cleans up when the sandbox cannot: a test runner that kills its test, a panic, a dropped
//! [`Sandbox`](crate::Sandbox). A small shell holds one end of a pipe; when the other end closes,
//! for whatever reason, it ends the servers that still have a pid file and removes the directory.

use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

/// SIGQUIT is Postgres' immediate shutdown, which frees its shared memory; sshd takes it as
/// SIGTERM. After an orderly stop the pid files are gone, and the directory with them. Nothing is
/// removed that does not look like a sandbox.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
PATH="$PATH:/usr/bin:/bin"
cat >/dev/null
for file in "$1/pg/data/postmaster.pid" "$1/ssh/sshd.pid"; do
  pid=$(head -n 1 "$file" 2>/dev/null)
  [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null
  tries=0
  while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && [ $tries -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
done
[ -d "$1/ssh/scratch" ] && rm -rf "$1"
"#;

#[derive(Debug)]
pub(crate) struct Watchdog {
    child: Child,
}

impl Watchdog {
    pub(crate) fn start(dir: &Path) -> io::Result<Self> {
        let child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "borealis-sandbox-watchdog"])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { child })
    }

    /// After everything was stopped and removed: ends it and waits.
    pub(crate) async fn dismiss(mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await.map(drop)
    }
}
