//! The signals that end the daemon: the first in order, the second at once.

#[cfg(unix)]
use std::io::IsTerminal;

use tokio_util::sync::CancellationToken;

/// Cancels `shutdown` at the first SIGTERM or SIGINT (Ctrl+C on Windows), or when the terminal is
/// closed that it was started at, and returns at the next one of the first two: then the process has to end at once. Drop it when the daemon is done.
///
/// # Errors
/// When the system does not let us listen for signals.
pub async fn cancel_on_signal(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut signals = Signals::new()?;
    let name = signals.first().await;
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
    /// Where it says what it does. One that was told to outlive its terminal (`nohup`) writes
    /// elsewhere.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: match std::io::stderr().is_terminal() {
                true => Some(signal(SignalKind::hangup())?),
                false => None,
            },
        })
    }

    /// Shells send SIGHUP when they go, and so does the kernel: the second says nothing new.
    async fn first(&mut self) -> &'static str {
        let mut hangup = self.hangup.take();
        let hung_up = async {
            match &mut hangup {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            name = self.next() => name,
            _ = hung_up => "SIGHUP",
        }
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
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

    async fn first(&mut self) -> &'static str {
        self.next().await
    }

    async fn next(&mut self) -> &'static str {
        let _signal = self.0.recv().await;
        "Ctrl+C"
    }
}
