//! A note on the person's desktop, where there is one. Nobody hears of it when there is none.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// A notification service that hangs must not keep us.
const PATIENCE: Duration = Duration::from_secs(5);

/// AppleScript that takes its texts as arguments: nothing in them is ever code.
const SCRIPT: [&str; 3] = [
    "on run texts",
    "display notification (item 2 of texts) with title (item 1 of texts)",
    "end run",
];

/// Shows it, with what the system has for that.
pub async fn notify(title: &str, text: &str) {
    let Some(mut command) = command(title, text) else { return };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let _shown_or_not = timeout(PATIENCE, command.status()).await;
}

fn command(title: &str, text: &str) -> Option<Command> {
    if let Ok(program) = which::which("notify-send") {
        let mut command = Command::new(program);
        command.args(["--app-name=borealisctl", "--", title, text]);
        return Some(command);
    }
    let mut command = Command::new(which::which("osascript").ok()?);
    command.args(SCRIPT.iter().flat_map(|line| ["-e", line])).args([title, text]);
    Some(command)
}
