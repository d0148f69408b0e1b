//! What a soak stands on: a sandbox, the programs under test, and the environment that brings them
//! together.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::process::Command;

use super::Error;
use super::tool::{self, Ended, Trouble};
use crate::options::Options;
use crate::sandbox::Sandbox;

/// An attachment at one access. Its session is open all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) write: bool,
}

impl Target {
    /// For what comes and goes, read-only.
    pub(super) const fn of(name: &'static str) -> Self {
        Self { name, write: false }
    }

    /// The add-on that it is attached to.
    pub(super) fn addon(self) -> &'static str {
        let attached = ATTACHED.iter().find(|(name, _)| *name == self.name);
        attached.map_or("", |(_, addon)| *addon)
    }
}

const fn reading(name: &'static str) -> Target {
    Target::of(name)
}

const fn writing(name: &'static str) -> Target {
    Target { name, write: true }
}

/// Accounts and counters are written through it.
pub(super) const SUSHI_RW: Target = writing("sushi/DATABASE");
/// The same add-on, read.
pub(super) const SUSHI_RO: Target = reading("sushi/DATABASE");
/// pgbench's.
pub(super) const RAMEN_RW: Target = writing("ramen/DATABASE");
/// What is dumped.
pub(super) const ARCHIVE_RO: Target = reading("ramen/ARCHIVE");
/// COPY goes in here.
pub(super) const UDON_RW: Target = writing("udon/DATABASE");
/// And out here.
pub(super) const UDON_RO: Target = reading("udon/DATABASE");
/// Goes up and down all the time.
pub(super) const SOBA: &str = "soba/DATABASE";
/// What is up all the time.
pub(super) const TARGETS: [Target; 6] =
    [SUSHI_RW, SUSHI_RO, RAMEN_RW, ARCHIVE_RO, UDON_RW, UDON_RO];
/// Their add-ons; a tunnel each.
pub(super) const OPEN: [&str; 4] = [
    "borealis-pg-hex-12345",
    "borealis-pg-hex-00002",
    "borealis-pg-hex-00003",
    "borealis-pg-hex-00004",
];
const ATTACHED: [(&str, &str); 5] = [
    (SUSHI_RW.name, OPEN[0]),
    (RAMEN_RW.name, OPEN[1]),
    (ARCHIVE_RO.name, OPEN[2]),
    (UDON_RW.name, OPEN[3]),
    (SOBA, "borealis-pg-hex-00005"),
];

/// What `daemon status --json` says.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Daemon {
    pub(super) pid: u32,
    pub(super) log: PathBuf,
    pub(super) health: Health,
}

/// How it is.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Health {
    pub(super) tasks: usize,
}

/// What `ls --json` says of a session.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) target: String,
    pub(super) addon: String,
    /// Absent for the personal users.
    pub(super) identity: Option<String>,
    pub(super) access: String,
    pub(super) state: String,
    pub(super) reason: Option<Reason>,
}

/// Why it is not up.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Reason {
    pub(super) code: String,
}

pub(super) struct Stand {
    pub(super) sandbox: Sandbox,
    /// Where the programs are: beside this one.
    programs: PathBuf,
    environment: Vec<(String, String)>,
}

impl Stand {
    pub(super) async fn start() -> Result<Self, Error> {
        let own = std::env::current_exe().map_err(Error::io("find the programs"))?;
        let programs = own.parent().map(Path::to_owned).unwrap_or_default();
        for name in ["borealisd", "borealisctl"] {
            if !programs.join(name).is_file() {
                return Err(Error::NotBuilt(name));
            }
        }
        let sandbox = Sandbox::start(Options::default()).await?;
        let environment = sandbox.environment();
        Ok(Self { sandbox, programs, environment })
    }

    /// Ends the daemon, then the sandbox.
    pub(super) async fn stop(self) -> Result<(), Error> {
        // The daemon may be gone already; then there is nothing to stop.
        drop(self.ctl(&["daemon", "stop"]).await);
        Ok(self.sandbox.stop().await?)
    }

    /// A command in the environment of the sandbox; of our own, it has the `PATH` and how much the
    /// daemon logs.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let kept = ["PATH", "BOREALIS_LOG", "BOREALIS_LINKS"];
        command
            .env_clear()
            .envs(kept.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("HOME", self.sandbox.dir())
            .env("LC_ALL", "C.UTF-8")
            .envs(self.environment.iter().cloned())
            .current_dir(self.sandbox.dir());
        command
    }

    pub(super) fn ctl_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(self.programs.join("borealisctl"));
        command.args(args);
        command
    }

    /// Runs `borealisctl` to its end.
    pub(super) async fn ctl(&self, args: &[&str]) -> Result<Ended, Trouble> {
        tool::run(self.ctl_command(args), b"").await
    }

    /// What `borealisctl … --json` says.
    pub(super) async fn ask<T: DeserializeOwned>(&self, args: &[&str]) -> Result<T, Trouble> {
        let out = self.ctl(&[args, &["--json"]].concat()).await?.ok()?;
        let read = serde_json::from_slice(&out);
        read.map_err(|error| Trouble::Wrong(format!("{}: no such JSON: {error}", args.join(" "))))
    }

    pub(super) async fn daemon(&self) -> Result<Daemon, Trouble> {
        self.ask(&["daemon", "status"]).await
    }

    pub(super) async fn sessions(&self) -> Result<Vec<Session>, Trouble> {
        self.ask(&["ls"]).await
    }

    /// `borealisctl COMMAND TARGET [-w] …`.
    pub(super) async fn on(
        &self,
        command: &str,
        target: Target,
        rest: &[&str],
    ) -> Result<Ended, Trouble> {
        let write: &[&str] = if target.write { &["-w"] } else { &[] };
        self.ctl(&[&[command, target.name], write, rest].concat()).await
    }

    /// An address for whatever takes one, with a password that is right.
    pub(super) async fn url(&self, target: Target) -> Result<String, Trouble> {
        let out = self.on("url", target, &[]).await?.ok()?;
        Ok(String::from_utf8_lossy(&out).trim().to_owned())
    }

    /// The user's own psql on a session's port, without a helper in between.
    pub(super) async fn psql_command(
        &self,
        target: Target,
        statements: &[&str],
    ) -> Result<Command, Trouble> {
        let url = self.url(target).await?;
        let mut command = self.command("psql");
        command.args(["-X", "-A", "-t", "-F", ",", "-v", "ON_ERROR_STOP=1"]);
        command.args(["-v", "VERBOSITY=verbose"]);
        command.args(statements.iter().flat_map(|sql| ["-c", sql])).arg(url);
        Ok(command)
    }

    /// What psql answers to one or more statements.
    pub(super) async fn psql(
        &self,
        target: Target,
        statements: &[&str],
        input: &[u8],
    ) -> Result<Vec<u8>, Trouble> {
        tool::run(self.psql_command(target, statements).await?, input).await?.ok()
    }

    /// All that may help to find out.
    pub(super) fn keep_logs(&self, dir: &Path) -> io::Result<()> {
        let state = self.sandbox.dir().join("state");
        for entry in std::fs::read_dir(state)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.contains("log") {
                std::fs::copy(entry.path(), dir.join(name))?;
            }
        }
        let requests = serde_json::to_vec_pretty(&self.sandbox.requests())?;
        std::fs::write(dir.join("requests.json"), requests)?;
        std::fs::write(dir.join("sshd.log"), self.sandbox.sshd_log())?;
        std::fs::write(dir.join("postgres.log"), self.sandbox.postgres_log())
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, if self.write { "rw" } else { "ro" })
    }
}
