//! The signals that end the daemon: the first in order, the second at once.

use tokio_util::sync::CancellationToken;

/// Cancels `shutdown` at the first SIGTERM, SIGINT (Ctrl+C on Windows) or SIGHUP (the terminal that
/// it was started at is closed: passwords must not stay in its files) and returns at the second: then the process has to end at once. Drop it when the daemon is done.
///
/// # Errors
/// When the system does not let us listen for signals.
pub async fn cancel_on_signal(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut signals = Signals::new()?;
    let name = signals.next().await;
    tracing::info!(signal = name, "stopping");
    shutdown.cancel();
    let name = signals.next().await;
    tracing::warn!(signal = name, "asked again: leaving at once");
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) -> &'static str {
        let _signal = self.0.recv().await;
        "Ctrl+C"
    }
}
