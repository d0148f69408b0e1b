//! The application's own credentials, as its config var carries them.

use std::collections::HashMap;

use borealis_proto::{Access, ErrorCode};

use super::types::{DatabaseCredentials, Generation, SshCredentials};
use crate::borealis::{is_host, is_plain};
use crate::fault::{Failure, Fault};
use crate::secret::Secret;

/// What follows the attachment's name in the config var's, newest first.
const SUFFIXES: [&str; 2] = ["_TUNNEL_BPG_CONN_INFO", "_SSH_TUNNEL_BPG_CONNECTION_INFO"];
const SSH_PORT: u16 = 22;
const POSTGRES_PORT: u16 = 5432;

/// Why the application's credentials cannot be used. Holds no value of the config var.
#[derive(Debug, thiserror::Error)]
pub enum ConnInfoError {
    /// No such config var, under neither of its names.
    #[error("app {app} has no config var {variable}")]
    Absent {
        /// The app.
        app: String,
        /// The newer of the two names.
        variable: String,
    },
    /// Something is not in it.
    #[error("config var {variable} of app {app} has no {item}: it may have been edited by hand")]
    Missing {
        /// The app.
        app: String,
        /// The config var.
        variable: String,
        /// What is not in it.
        item: &'static str,
    },
    /// Characters in it that no such thing has.
    #[error(
        "{item} in config var {variable} of app {app} cannot be used: \
         it may have been edited by hand"
    )]
    Unusable {
        /// The app.
        app: String,
        /// The config var.
        variable: String,
        /// What is wrong in it.
        item: &'static str,
    },
    /// A port that is no number from 1 to 65535.
    #[error(
        "{item} in config var {variable} of app {app} is not a port: \
         it may have been edited by hand"
    )]
    BadPort {
        /// The app.
        app: String,
        /// The config var.
        variable: String,
        /// Which port.
        item: &'static str,
    },
}

/// The config var, taken apart. What is missing matters only to who needs it.
#[derive(Debug)]
pub(super) struct ConnInfo {
    app: String,
    variable: String,
    items: HashMap<String, Secret<String>>,
    generation: Generation,
}

impl ConnInfoError {
    /// How it is treated, and what people are told.
    pub(super) fn failure(&self) -> Failure {
        let (Self::Absent { app, .. }
        | Self::Missing { app, .. }
        | Self::Unusable { app, .. }
        | Self::BadPort { app, .. }) = self;
        let fault = Fault::Blocked { recheck: None };
        Failure::new(fault, ErrorCode::ConnInfoInvalid, self.to_string()).hint(format!(
            "look at the names with `heroku config -a {app}`; \
             detaching and attaching the add-on writes them anew"
        ))
    }
}

impl ConnInfo {
    /// Finds the config var of an attachment among all those of its app.
    pub(super) fn find(
        vars: &HashMap<String, Secret<String>>,
        app: &str,
        attachment: &str,
        generation: Generation,
    ) -> Result<Self, ConnInfoError> {
        let names = SUFFIXES.map(|suffix| format!("{attachment}{suffix}"));
        let found = names.iter().find_map(|name| vars.get_key_value(name));
        let Some((variable, value)) = found else {
            let [variable, _older] = names;
            return Err(ConnInfoError::Absent { app: app.to_owned(), variable });
        };
        Ok(Self {
            app: app.to_owned(),
            variable: variable.clone(),
            items: items(value.expose()),
            generation,
        })
    }

    /// How the app logs in to the SSH server.
    pub(super) fn ssh(&self) -> Result<SshCredentials, ConnInfoError> {
        Ok(SshCredentials {
            host: self.text("SSH_HOST", is_host)?,
            port: self.port("SSH_PORT", SSH_PORT)?,
            user: self.text("SSH_USERNAME", is_plain)?,
            private_key: self.secret("SSH_USER_PRIVATE_KEY")?.clone(),
            host_key: self.text("SSH_PUBLIC_HOST_KEY", |_| true)?,
            generation: self.generation,
        })
    }

    /// How the app logs in to Postgres: its writer with write access, else its reader.
    pub(super) fn database(&self, access: Access) -> Result<DatabaseCredentials, ConnInfoError> {
        let [host, user, password] = match access {
            Access::ReadWrite => {
                ["POSTGRES_WRITER_HOST", "POSTGRES_WRITER_USERNAME", "POSTGRES_WRITER_PASSWORD"]
            }
            Access::ReadOnly | Access::Unknown => {
                ["POSTGRES_READER_HOST", "POSTGRES_READER_USERNAME", "POSTGRES_READER_PASSWORD"]
            }
        };
        Ok(DatabaseCredentials {
            host: self.text(host, is_host)?,
            port: self.port("POSTGRES_PORT", POSTGRES_PORT)?,
            database: self.text("POSTGRES_DB_NAME", is_plain)?,
            user: self.text(user, is_plain)?,
            password: self.password(password)?,
            generation: self.generation,
        })
    }

    fn text(&self, item: &'static str, may_be: fn(&str) -> bool) -> Result<String, ConnInfoError> {
        let text = self.secret(item)?.expose();
        if may_be(text) { Ok(text.clone()) } else { Err(self.unusable(item)) }
    }

    fn password(&self, item: &'static str) -> Result<Secret<String>, ConnInfoError> {
        let password = self.secret(item)?;
        if is_plain(password.expose()) { Ok(password.clone()) } else { Err(self.unusable(item)) }
    }

    fn unusable(&self, item: &'static str) -> ConnInfoError {
        ConnInfoError::Unusable { app: self.app.clone(), variable: self.variable.clone(), item }
    }

    fn secret(&self, item: &'static str) -> Result<&Secret<String>, ConnInfoError> {
        self.items.get(item).ok_or_else(|| ConnInfoError::Missing {
            app: self.app.clone(),
            variable: self.variable.clone(),
            item,
        })
    }

    fn port(&self, item: &'static str, default: u16) -> Result<u16, ConnInfoError> {
        let Some(text) = self.items.get(item) else { return Ok(default) };
        text.expose().trim().parse().ok().filter(|port| *port != 0).ok_or_else(|| {
            ConnInfoError::BadPort { app: self.app.clone(), variable: self.variable.clone(), item }
        })
    }
}

/// `KEY:=value` items joined by `|`; `\n` in a value stands for a line break. An empty value is
/// as good as none.
fn items(text: &str) -> HashMap<String, Secret<String>> {
    text.split('|')
        .filter_map(|item| item.split_once(":="))
        .filter(|(_key, value)| !value.is_empty())
        .map(|(key, value)| (key.trim().to_owned(), Secret::new(value.replace("\\n", "\n"))))
        .collect()
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
