//! The Borealis API: the service that owns the add-ons and hands out their users.
//!
//! Typed calls and nothing else: when to ask, and what to do with a refusal, is for the rooms
//! above. Each status has one meaning on every call; [`Error`] keeps that table.

mod client;
mod error;
mod users;

pub use client::Borealis;
pub use error::{Error, Refusal};
pub use users::{DbUser, SshUser};
