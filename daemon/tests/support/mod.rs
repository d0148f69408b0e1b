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

/// A port that was free a moment ago, below those that the system gives to outgoing connections, and
/// above those of sandboxes: nobody else takes it before its server does.
pub(crate) fn free_port() -> u16 {
    std::iter::repeat_with(|| rand::random_range(28_000..32_000))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .unwrap()
}

/// Runs a program to its end, and fails with what it said.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
