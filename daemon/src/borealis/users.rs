//! The personal users of a Heroku account on an add-on, as the service hands them out.

use serde::Deserialize;

use crate::secret::Secret;

/// Where an SSH server listens if the service does not say.
const SSH_PORT: u16 = 22;
/// Where Postgres listens if the service does not say.
const POSTGRES_PORT: u16 = 5432;

/// Logs in to the add-on's SSH server.
#[derive(Debug, Deserialize)]
pub struct SshUser {
    /// Host name or address.
    #[serde(rename = "sshHost")]
    pub host: String,
    /// `None` where the service leaves the usual one out.
    #[serde(rename = "sshPort")]
    port: Option<u16>,
    /// User name.
    #[serde(rename = "sshUsername")]
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
    #[serde(rename = "dbHost")]
    pub host: String,
    /// `None` where the service leaves the usual one out.
    #[serde(rename = "dbPort")]
    port: Option<u16>,
    /// The database's name.
    #[serde(rename = "dbName")]
    pub database: String,
    /// User name.
    #[serde(rename = "dbUsername")]
    pub user: String,
    /// Its password.
    #[serde(rename = "dbPassword")]
    pub password: Secret<String>,
}

impl SshUser {
    /// The SSH server's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(SSH_PORT)
    }
}

impl DbUser {
    /// Postgres' port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(POSTGRES_PORT)
    }
}
