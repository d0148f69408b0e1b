//! The programs that are measured and that measure, run to their end.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::Instant;

use super::Error;

/// `borealisctl`, and an environment in which it finds the sandbox.
pub(super) struct Programs {
    borealisctl: PathBuf,
    env: Vec<(String, String)>,
    home: PathBuf,
}

impl Programs {
    /// Those that were built with this one.
    pub(super) fn beside_us(env: Vec<(String, String)>, home: &Path) -> Result<Self, Error> {
        let us = std::env::current_exe().map_err(Error::io("find our own program"))?;
        for name in ["borealisctl", "borealisd"] {
            if !us.with_file_name(name).is_file() {
                return Err(Error::Missing(name.to_owned()));
            }
        }
        Ok(Self { borealisctl: us.with_file_name("borealisctl"), env, home: home.to_owned() })
    }

    /// A command in the sandbox's environment.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .envs(self.env.iter().cloned())
            .env("HOME", &self.home)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// The daemon itself.
    pub(super) fn daemon(&self) -> Command {
        let mut command = self.command(self.borealisctl.with_file_name("borealisd"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Whether a daemon answers.
    pub(super) async fn ask_socket(&self) -> std::io::Result<()> {
        let socket = self.env.iter().find(|(name, _)| name == "BOREALIS_SOCKET");
        let path = socket.map_or("", |(_, path)| path);
        let mut stream = UnixStream::connect(path).await?;
        let request = b"GET /v1/daemon HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let well = answer.starts_with("HTTP/1.1 200");
        well.then_some(()).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
    }

    pub(super) fn ctl(&self, args: &[&str]) -> Command {
        let mut command = self.command(&self.borealisctl);
        command.args(args);
        command
    }
}

/// Runs to the end; what it said, and how long it took.
pub(super) async fn finish(mut command: Command) -> Result<(String, Duration), Error> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let began = Instant::now();
    let output = command.output().await.map_err(Error::io("run a program"))?;
    let took = began.elapsed();
    if output.status.success() {
        return Ok((String::from_utf8_lossy(&output.stdout).into_owned(), took));
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Failed { program, said })
}

/// As [`finish`], for commands whose answer is known.
pub(super) async fn answers(command: Command, expected: &str) -> Result<Duration, Error> {
    let (said, took) = finish(command).await?;
    if said.trim() == expected {
        Ok(took)
    } else {
        Err(Error::Wrong(format!("expected {expected:?}, got {said:?}")))
    }
}

pub(super) fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
