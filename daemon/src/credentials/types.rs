//! What the service hands out, and to whom.

use crate::secret::Secret;

/// Whose credentials: one SSH user, and a database user for each access.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The personal users of the Heroku account on an add-on.
    Personal {
        /// The add-on's name.
        addon: String,
    },
    /// The users of an app, from the config var of its attachment.
    Application {
        /// The add-on's name.
        addon: String,
        /// The app.
        app: String,
        /// The attachment's name in it.
        attachment: String,
    },
}

impl Owner {
    /// The add-on's name.
    #[must_use]
    pub fn addon(&self) -> &str {
        match self {
            Self::Personal { addon } | Self::Application { addon, .. } => addon,
        }
    }
}

/// What can be refused and renewed, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For the SSH server.
    SshKey,
    /// For Postgres.
    Password,
    /// Both, as the config var has them.
    ConfigVar,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SshKey => "SSH key",
            Self::Password => "password",
            Self::ConfigVar => "application's config var",
        })
    }
}

/// Tells an older credential from a newer one of the same kind: grows with each mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// How to log in to the SSH server of an add-on, and how to know that it is the right one.
#[derive(Debug)]
pub struct SshCredentials {
    /// Host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User name.
    pub user: String,
    /// PEM: OpenSSH, PKCS#1, PKCS#8 or SEC1.
    pub private_key: Secret<String>,
    /// The pin, `TYPE BASE64`.
    pub host_key: String,
    /// Which mint it came from.
    pub generation: Generation,
}

/// How to log in to Postgres, as seen from the SSH server.
#[derive(Debug)]
pub struct DatabaseCredentials {
    /// Host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database's name.
    pub database: String,
    /// User name.
    pub user: String,
    /// Its password.
    pub password: Secret<String>,
    /// Which mint it came from.
    pub generation: Generation,
}
