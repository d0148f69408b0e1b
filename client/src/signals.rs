//! Signals that ask for an end: caught, so that a child, or a session, comes to its own end first.

use std::io;

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use crate::exit::Code;

/// A handler, and not "ignore": that would be inherited by the child.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

/// A signal to us, and whether the terminal has sent it to our child as well.
#[cfg(unix)]
pub(crate) struct Caught {
    signal: Signal,
    from_terminal: bool,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Caught {
        let (signal, from_terminal) = tokio::select! {
            _ = self.interrupt.recv() => (Signal::INT, true),
            _ = self.quit.recv() => (Signal::QUIT, true),
            _ = self.terminate.recv() => (Signal::TERM, false),
            _ = self.hangup.recv() => (Signal::HUP, false),
        };
        Caught { signal, from_terminal }
    }
}

#[cfg(unix)]
impl Caught {
    pub(crate) fn pass_on(&self, child: &Child) {
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let (false, Some(pid)) = (self.from_terminal, pid) {
            // A child that has just ended needs it no more.
            let _gone = kill_process(pid, self.signal);
        }
    }

    /// What a command ends with that ends because of it.
    pub(crate) fn code(&self) -> Code {
        Code::of_signal(self.signal.as_raw())
    }
}

/// The console sends Ctrl+C to all its programs.
#[cfg(windows)]
pub(crate) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
pub(crate) struct Caught;

#[cfg(windows)]
impl Signals {
    pub(crate) fn catch() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    pub(crate) async fn next(&mut self) -> Caught {
        self.0.recv().await;
        Caught
    }
}

#[cfg(windows)]
impl Caught {
    pub(crate) fn pass_on(&self, _child: &Child) {}

    /// As on Unix: 128 and the number of SIGINT.
    pub(crate) fn code(&self) -> Code {
        Code::of_signal(2)
    }
}
