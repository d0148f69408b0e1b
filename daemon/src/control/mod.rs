//! The control API: HTTP/1.1 and JSON over a local socket, for one user.
//!
//! The socket has no password, so most of this room is about who may speak: a directory of mode
//! 0700, the user id of each caller ([`crate::platform::same_user`]), and headers that no web page
//! can avoid sending (`guards`). What is said is the session room's business; here a request is
//! taken apart, handed over, and its answer put together.
//!
//! A request is a future owned by its connection: when the caller goes away it is dropped, and with
//! it whatever it held or waited for.

mod answer;
mod connection;
mod error;
mod extract;
mod guards;
mod handlers;
mod listener;
mod ndjson;
mod routes;
mod serve;
mod stale;
mod state;
mod status;
mod upload;

#[cfg(test)]
#[cfg(windows)]
mod pipe_tests;
#[cfg(test)]
#[cfg(unix)]
mod socket_tests;
#[cfg(test)]
mod tests;

pub use listener::{ListenError, Listener};
pub use serve::{Stand, serve};
pub use state::{ControlState, Facts, HandOver, Handed};
