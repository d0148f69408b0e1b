//! What a test or a developer may choose about a sandbox. Everything has a default.

use std::path::PathBuf;

use crate::keys::{HostKeyType, KeyFormat};

/// How a sandbox is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where all files go. Must be absent or empty, is removed at the end; a new temporary
    /// directory when `None`.
    pub dir: Option<PathBuf>,
    /// The format of the personal SSH keys that the Borealis API hands out.
    pub key: KeyFormat,
    /// The type of sshd's host key.
    pub host_key: HostKeyType,
    /// Heroku logins that are accepted, the first of them in the environment; one is made up when
    /// empty.
    pub api_keys: Vec<String>,
    /// The APIs announce sshd itself, and not the relay before it: faults of the network do nothing.
    pub straight: bool,
    /// The port of the database of app `udon`, instead of Postgres'.
    pub elsewhere: Option<u16>,
    /// So many further apps, `app-1` and so on, with a database each.
    pub more_apps: usize,
}
