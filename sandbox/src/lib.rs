//! The Borealis service on one machine: both HTTP APIs, a real OpenSSH server, a real Postgres with
//! TLS, and between client and sshd a relay that misbehaves on request.
//!
//! Everything listens on loopback and lives in one directory. Nothing of what is under test is used
//! in here: what the daemon must understand was not written by the daemon.
#![cfg(unix)]

mod account;
mod admin;
mod armed;
mod authorizations;
#[cfg(target_os = "linux")]
mod bench;
mod borealis;
mod cli;
mod fault;
mod find;
mod heroku;
mod host;
mod http;
mod keys;
mod layout;
mod options;
mod ports;
mod postgres;
mod process;
mod relay;
mod requests;
mod sandbox;
mod secrets;
mod service;
mod soak;
mod sshd;
mod two_factor;
mod wait;
mod watchdog;
mod world;

pub use admin::Info;
pub use cli::run;
pub use fault::{Fault, Power, Rotate};
pub use keys::{HostKeyType, KeyFormat};
pub use options::Options;
pub use postgres::Rows;
pub use relay::RelayStats;
pub use requests::{Api, Request};
pub use sandbox::{Error, Sandbox};

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
