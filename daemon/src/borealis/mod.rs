//! The Borealis API: the service that owns the add-ons and hands out their users.
//!
//! Typed calls and nothing else: when to ask, and what to do with a refusal, is for the rooms
//! above. A status has one meaning on every call, in [`Refusal`]; the few that mean something else on
//! one call stand in [`Declined`].

mod addon;
mod client;
mod declined;
mod error;
#[cfg(test)]
mod fuzz;
mod users;

pub use client::Borealis;
pub use declined::Declined;
pub use error::{Error, Refusal};
pub use users::{DbUser, SshUser, is_host, is_plain};
