//! Tells the service manager how we are. Without one, and on other systems, nobody is told.
//!
//! A message that cannot be sent is logged and forgotten: it must never stop the daemon.

use std::time::Duration;

/// Serving: sent after the socket is bound and the sessions of the state file are on their way.
pub fn ready(status: &str) {
    send(&[State::Ready, State::Status(status)]);
}

/// One line for `systemctl status`.
pub fn status(text: &str) {
    send(&[State::Status(text)]);
}

/// On the way out.
pub fn stopping() {
    send(&[State::Stopping]);
}

/// A sign of life. Due more often than [`watchdog_period`].
pub fn watchdog() {
    send(&[State::Watchdog]);
}

/// How long the service manager waits for a sign of life, if it watches at all.
#[must_use]
pub fn watchdog_period() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    return sd_notify::watchdog_enabled();
    #[cfg(not(target_os = "linux"))]
    None
}

enum State<'a> {
    Ready,
    Status(&'a str),
    Stopping,
    Watchdog,
}

#[cfg(target_os = "linux")]
fn send(states: &[State<'_>]) {
    use sd_notify::NotifyState;

    let states: Vec<_> = states
        .iter()
        .map(|state| match state {
            State::Ready => NotifyState::Ready,
            State::Status(text) => NotifyState::Status(text),
            State::Stopping => NotifyState::Stopping,
            State::Watchdog => NotifyState::Watchdog,
        })
        .collect();
    if let Err(error) = sd_notify::notify(&states) {
        tracing::warn!(%error, "the service manager was not reached");
    }
}

#[cfg(not(target_os = "linux"))]
fn send(states: &[State<'_>]) {
    for state in states {
        match state {
            State::Status(text) => tracing::debug!(status = text),
            State::Ready | State::Stopping | State::Watchdog => {}
        }
    }
}
