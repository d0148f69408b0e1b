//! `borealisd`: one user, one daemon, keeping SSH tunnels to Borealis Isolated Postgres open.
//!
//! Each folder is a room that knows only the rooms below it; this file alone sees them all. The
//! tour is in `docs/ARCHITECTURE.md`.

pub mod addon;
pub mod borealis;
pub mod config;
pub mod control;
pub mod credentials;
pub mod doctor;
pub mod fault;
#[cfg(test)]
mod fuzz;
pub mod heroku;
pub mod http;
pub mod instant;
pub mod locked;
pub mod platform;
pub mod postgres;
mod run;
pub mod secret;
pub mod session;
pub mod ssh;
pub mod store;
pub mod tasks;
pub mod tunnel;

pub use run::{RunError, run};
