//! Links against a real OpenSSH server, and against servers that no OpenSSH is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod bench;
mod channels;
mod connect;
mod floods;
mod handshake;
mod keys;
mod life;
mod rekey;
mod rogue;
#[path = "../support/mod.rs"]
mod support;
