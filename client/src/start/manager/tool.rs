//! Runs the service manager's own program, and takes down what was run.

use std::ffi::OsString;
use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::steps::{Step, Steps};

/// Longer than the daemon may take to leave, which is 20 s in its unit.
const PATIENCE: Duration = Duration::from_secs(45);

/// The service manager did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// Its program does not start.
    #[error("{command}: {source}")]
    NotStarted {
        /// As one would type it.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// It does not answer.
    #[error("{command} did not end within {} s", PATIENCE.as_secs())]
    TimedOut {
        /// As one would type it.
        command: String,
    },
    /// It says no.
    #[error("{command}: {said}")]
    Refused {
        /// As one would type it.
        command: String,
        /// Its words.
        said: String,
    },
}

impl ToolError {
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotStarted { .. } => {
                "without a service manager, borealisctl starts borealisd by itself when it is needed"
            }
            Self::TimedOut { .. } => "borealisctl daemon logs",
            Self::Refused { said, .. } if said.contains("bus") => {
                "log in as this user itself (not with su or sudo), or: loginctl enable-linger"
            }
            // launchd's number for a domain that is not there.
            Self::Refused { said, .. } if said.contains(": 125: ") => {
                "launchd runs agents for who is logged in at the screen: log in there first"
            }
            Self::Refused { .. } => "borealisctl service status",
        };
        Some(hint.to_owned())
    }
}

/// A program, and the words that every call of it begins with.
#[derive(Debug)]
pub(super) struct Tool {
    program: OsString,
    always: &'static [&'static str],
}

impl Tool {
    pub(super) fn new(program: impl Into<OsString>, always: &'static [&'static str]) -> Self {
        Self { program: program.into(), always }
    }

    /// A step that changes something.
    pub(super) async fn run(&self, args: &[&str], steps: &mut Steps) -> Result<(), ToolError> {
        self.ask(args).await?;
        steps.add(Step::Ran(self.typed(args)));
        Ok(())
    }

    /// What it prints.
    pub(super) async fn ask(&self, args: &[&str]) -> Result<String, ToolError> {
        let output = self.output(args).await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        let line = words.lines().map(str::trim).find(|line| !line.is_empty());
        let said = line.map_or_else(|| output.status.to_string(), str::to_owned);
        Err(ToolError::Refused { command: self.typed(args), said })
    }

    async fn output(&self, args: &[&str]) -> Result<Output, ToolError> {
        let mut command = Command::new(&self.program);
        command.args(self.always).args(args).stdin(Stdio::null()).kill_on_drop(true);
        match timeout(PATIENCE, command.output()).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(source)) => Err(ToolError::NotStarted { command: self.typed(args), source }),
            Err(_elapsed) => Err(ToolError::TimedOut { command: self.typed(args) }),
        }
    }

    fn typed(&self, args: &[&str]) -> String {
        let program = std::path::Path::new(&self.program).file_name().unwrap_or(&self.program);
        let mut words = program.to_string_lossy().into_owned();
        for word in self.always.iter().chain(args) {
            words.push(' ');
            words.push_str(word);
        }
        words
    }
}
