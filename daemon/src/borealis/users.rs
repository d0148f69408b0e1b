//! The personal users of a Heroku account on an add-on, as the service hands them out.

use std::num::NonZeroU16;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::secret::Secret;

/// Where an SSH server listens if the service does not say.
const SSH_PORT: u16 = 22;
/// Where Postgres listens if the service does not say.
const POSTGRES_PORT: u16 = 5432;

/// Logs in to the add-on's SSH server.
#[derive(Debug, Deserialize)]
pub struct SshUser {
    /// Host name or address.
    #[serde(rename = "sshHost", deserialize_with = "host")]
    pub host: String,
    /// `None` where the service leaves the usual one out.
    #[serde(rename = "sshPort")]
    port: Option<NonZeroU16>,
    /// User name.
    #[serde(rename = "sshUsername", deserialize_with = "name")]
    pub user: String,
    /// PEM, of any of the usual kinds.
    #[serde(rename = "sshPrivateKey")]
    pub private_key: Secret<String>,
    /// The pin, `TYPE BASE64`.
    #[serde(rename = "publicSshHostKey")]
    pub host_key: String,
}

/// Logs in to the add-on's Postgres, as seen from its SSH server.
#[derive(Debug, Deserialize)]
pub struct DbUser {
    /// Host name or address.
    #[serde(rename = "dbHost", deserialize_with = "host")]
    pub host: String,
    /// `None` where the service leaves the usual one out.
    #[serde(rename = "dbPort")]
    port: Option<NonZeroU16>,
    /// The database's name.
    #[serde(rename = "dbName", deserialize_with = "name")]
    pub database: String,
    /// User name.
    #[serde(rename = "dbUsername", deserialize_with = "name")]
    pub user: String,
    /// Its password.
    #[serde(rename = "dbPassword", deserialize_with = "password")]
    pub password: Secret<String>,
}

impl SshUser {
    /// The SSH server's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.map_or(SSH_PORT, NonZeroU16::get)
    }
}

impl DbUser {
    /// Postgres' port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.map_or(POSTGRES_PORT, NonZeroU16::get)
    }
}

/// Whether this may be the name of a host, or an address: nothing that could be taken for more in a
/// lookup, an address or a log.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    !text.is_empty() && text.len() <= LONGEST_HOST && text.chars().all(plain)
}

/// Whether this may be the name of a user or a database, or a password. A zero byte ends a text in
/// Postgres' packets, a line break one in libpq's files, and the rest a terminal obeys.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

/// RFC 1035, 2.3.4.
const LONGEST_HOST: usize = 255;

fn host<'de, D: Deserializer<'de>>(answer: D) -> Result<String, D::Error> {
    let text = String::deserialize(answer)?;
    if is_host(&text) { Ok(text) } else { Err(D::Error::custom("no host name")) }
}

fn name<'de, D: Deserializer<'de>>(answer: D) -> Result<String, D::Error> {
    let text = String::deserialize(answer)?;
    if is_plain(&text) { Ok(text) } else { Err(D::Error::custom("no name")) }
}

fn password<'de, D: Deserializer<'de>>(answer: D) -> Result<Secret<String>, D::Error> {
    let text = Secret::<String>::deserialize(answer)?;
    if is_plain(text.expose()) { Ok(text) } else { Err(D::Error::custom("no password")) }
}
