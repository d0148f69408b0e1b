//! `GET /v1/daemon`: who is serving, and how it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The daemon about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonInfo {
    /// Release of the program.
    pub version: String,
    /// Control API that it speaks.
    pub api: u32,
    /// Process id.
    pub pid: u32,
    /// When it began to serve.
    pub started_at: Timestamp,
    /// Whole seconds since then.
    pub uptime_seconds: u64,
    /// The control socket's path, or the pipe's name.
    pub socket: String,
    /// The state file.
    pub state_file: String,
    /// Where the log goes: a path, `journal`, or `stderr` at a terminal.
    pub log: String,
    /// A password file for libpq, in memory, that has the passwords of all sessions and is kept
    /// right. `None`: there is no place for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passfile: Option<String>,
    /// Another program file has the name of the one that runs: it was upgraded, and a restart
    /// changes over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
    /// How it is.
    pub health: Health,
}

/// What a person should know about the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Sessions that are wanted.
    pub sessions: usize,
    /// Of these, up.
    pub up: usize,
    /// Tasks that are running now. Returns to its idle figure once all sessions are closed.
    pub tasks: usize,
    /// Things done on its own that somebody should hear of: a state file moved aside, for one.
    #[serde(default)]
    pub notices: Vec<String>,
}
