//! Credentials: got from the service, held in memory, renewed when refused.
//!
//! [`Vault`] is the only room that decides to ask the service for a key or a password. It never
//! has more than one request in flight for the same one, and finishes what it began (the
//! short-lived Heroku authorization is deleted) even when whoever asked has gone. What the daemon
//! renews by itself has a pace and a daily ceiling.
//!
//! `want` says who asks for what, `shelf` holds and shares, `ledger` paces, `lease` cleans up,
//! `conn_info` reads the application's config var, `issuer` names what is needed from the two APIs.

mod conn_info;
mod error;
mod issuer;
mod lease;
mod ledger;
mod shelf;
mod types;
mod vault;
mod want;

#[cfg(test)]
pub(crate) mod fake_service;

pub use crate::secret::Secret;
pub use conn_info::ConnInfoError;
pub use error::Error;
pub use issuer::{Apis, Issuer};
pub use lease::Lease;
pub use types::{DatabaseCredentials, Generation, Owner, SshCredentials};
pub use vault::Vault;
pub use want::{Asker, Past, Refused, Want};
