//! Programs on a terminal, as a person has them.

use rexpect::session::{PtySession, spawn_command};
use tokio::process::Command;

const PATIENCE_MS: u64 = 30_000;

/// A program on a terminal of its own.
pub fn on_a_terminal(command: Command) -> PtySession {
    let mut command = command.into_std();
    command.env("TERM", "xterm-256color").stdin(std::process::Stdio::inherit());
    spawn_command(command, Some(PATIENCE_MS)).unwrap()
}

/// Reads in a thread of its own, so that this one can wait for it while the sandbox goes on.
pub async fn reading<T: Send + 'static>(
    mut terminal: PtySession,
    read: impl FnOnce(&mut PtySession) -> T + Send + 'static,
) -> (PtySession, T) {
    let task = tokio::task::spawn_blocking(move || {
        let read = read(&mut terminal);
        (terminal, read)
    });
    task.await.unwrap()
}
