//! The Heroku Platform API: who the user is, which add-on a target means, what an app's config
//! vars say, and the short-lived authorizations that the Borealis API wants to see.
//!
//! The login is looked up each time it is needed, because `heroku login` may have changed it. It
//! is sent to the configured API and nowhere else.

mod addons;
mod answers;
mod client;
mod error;
#[cfg(test)]
mod fuzz;
mod gpg;
mod keystore;
mod login;
mod netrc;
mod resolve;

pub use addons::NewAddon;
pub use answers::{Attached, Authorization};
pub(crate) use client::AUTHORIZATION_LIFETIME;
pub use client::Heroku;
pub use error::Error;
pub use keystore::{Keystore, StoreError};
pub use login::{Found, Login, LoginError, Place, Source};
pub use netrc::NetrcFiles;
