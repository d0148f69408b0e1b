//! The service manager, when the daemon is installed there. Only asked where its unit file
//! stands: to ask costs more than most commands do.

#[cfg(any(target_os = "linux", target_os = "macos"))]
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// A service manager that does not answer is as good as none.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the service manager was asked, and agreed.
pub(super) async fn start() -> bool {
    let Some(mut command) = command() else { return false };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    matches!(timeout(PATIENCE, command.status()).await, Ok(Ok(status)) if status.success())
}

#[cfg(target_os = "linux")]
fn command() -> Option<Command> {
    const UNIT: &str = "borealisd.socket";
    let own = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(home()?.join(".config")))
        .map(|config| config.join("systemd/user"));
    let shared = ["/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"];
    let mut places = own.into_iter().chain(shared.map(PathBuf::from));
    places.any(|place| place.join(UNIT).exists()).then(|| {
        let mut command = Command::new("systemctl");
        command.args(["--user", "start", UNIT]);
        command
    })
}

#[cfg(target_os = "macos")]
fn command() -> Option<Command> {
    const LABEL: &str = "com.borealis-data.borealisd";
    let list = home()?.join("Library/LaunchAgents").join(format!("{LABEL}.plist"));
    list.exists().then(|| {
        let user = rustix::process::getuid().as_raw();
        let mut command = Command::new("launchctl");
        command.args(["kickstart".to_owned(), format!("gui/{user}/{LABEL}")]);
        command
    })
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn command() -> Option<Command> {
    None
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}
