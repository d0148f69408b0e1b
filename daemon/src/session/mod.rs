//! Sessions: what people asked for, and what became of it.
//!
//! The [`Manager`] keeps one `Live` for each wanted session. A live session owns
//! its endpoint (which stays bound for as long as the session is wanted), shares the tunnel of its
//! add-on, and keeps its own database credentials. How it *is* follows from those two and is never
//! stored; what is *wanted* is the only thing that is.
//!
//! ```text
//!  Manager ── Live ─┬─ endpoint ── connection ── relay ──> channel
//!                   ├─ Database  (credentials, kept fresh)
//!                   └─ Tunnel    (shared through Tunnels)
//! ```

mod answers;
mod backends;
mod close;
mod condition;
mod connection;
mod database;
mod endpoint;
mod ephemeral;
mod error;
mod examine;
#[cfg(test)]
mod fuzz;
mod keeper;
mod keys;
mod live;
mod manager;
mod memory;
mod open;
mod passfile;
mod proof;
mod query;
mod renew;
mod restore;
mod room;
mod tunnels;
mod wanted;
mod watch;
mod whereabouts;

#[cfg(test)]
mod fault_tests;

pub(crate) use answers::Answers;
pub use ephemeral::Hold;
pub use error::Error;
pub use examine::Proofs;
pub use manager::{Manager, Opened, Parts};
pub use passfile::Passfile;
pub(crate) use query::{Piece, Upload};
