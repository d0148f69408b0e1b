//! A server process of the sandbox, ended by its id and nobody else's.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a server may take to end when asked; then it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pid: u32,
}

impl Server {
    /// Output goes to `log`. Its own process group: Ctrl+C in a terminal is for the sandbox, which
    /// then ends its servers in order.
    pub(crate) fn spawn(command: &mut Command, log: std::fs::File) -> io::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let pid = child.id().unwrap_or_default();
        Ok(Self { child, pid })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) async fn stop(mut self, signal: Signal) -> io::Result<()> {
        if self.has_ended() {
            return Ok(());
        }
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            kill_process(pid, signal)?;
        }
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(ended) => ended.map(drop),
            Err(_) => self.child.kill().await,
        }
    }
}
