//! Credentials: got from the service, held in memory, renewed when refused.
//!
//! [`Vault`] is the only room that decides to ask the service for a key or a password. It never
//! has more than one request in flight for the same one, and finishes what it began (the
//! short-lived Heroku authorization is deleted) even when whoever asked has gone.

mod secret;
mod types;

pub use secret::Secret;
pub use types::{DatabaseCredentials, Generation, Owner, SshCredentials};
