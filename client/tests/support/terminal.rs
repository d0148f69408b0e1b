//! The built program on a terminal, as a person has it.

use rexpect::session::{PtySession, spawn_command};

use super::fake::Fake;

pub const PATIENCE_MS: u64 = 30_000;

pub fn on_a_terminal(fake: &Fake, args: &[&str]) -> PtySession {
    let mut command = fake.command(args);
    command.env("TERM", "xterm-256color");
    spawn_command(command, Some(PATIENCE_MS)).unwrap()
}

/// The status has no name that we could use; its text is `Exited(PID, CODE)`.
#[track_caller]
pub fn ended_with(terminal: &PtySession, code: u8) {
    let status = format!("{:?}", terminal.process().wait().unwrap());
    assert!(status.starts_with("Exited") && status.ends_with(&format!(", {code})")), "{status}");
}
