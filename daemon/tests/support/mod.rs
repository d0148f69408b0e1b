//! Real servers for tests of one room: an sshd and a Postgres on loopback, of whoever runs the
//! test. The whole service is the sandbox's business.

#![allow(dead_code, reason = "each test binary uses a part of it")]

mod log;
pub(crate) mod postgres;
pub(crate) mod sshd;

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::Duration;

/// Far more than anything here takes; only so that a hang fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Runs a program to its end, and fails with what it said.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
