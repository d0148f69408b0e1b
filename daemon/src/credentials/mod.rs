//! Credentials: got from the service, held in memory, renewed when refused.
//!
//! [`Vault`] is the only room that decides to ask the service for a key or a password. It never
//! has more than one request in flight for the same one, and finishes what it began (the
//! short-lived Heroku authorization is deleted) even when whoever asked has gone.
//!
//! `shelf` holds and shares, `lease` cleans up, `conn_info` reads the application's config var,
//! `issuer` names what is needed from the two APIs.

mod conn_info;
mod error;
mod issuer;
mod lease;
mod shelf;
mod types;
mod vault;

#[cfg(test)]
pub(crate) mod fakes;

pub use crate::secret::Secret;
pub use conn_info::ConnInfoError;
pub use error::Error;
pub use issuer::{Apis, Issuer};
pub use lease::Lease;
pub use types::{DatabaseCredentials, Generation, Owner, SshCredentials};
pub use vault::Vault;
