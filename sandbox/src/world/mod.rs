//! What the service knows: apps, add-ons, attachments, users. The state is plain data behind one
//! lock, and the lock is held across the change to Postgres and sshd that goes with it: an answer
//! is given after its effect, and two changes never cross.

mod addons;
mod conn_info;
mod extensions;
mod integrations;
mod lookup;
mod personal;
mod reset;
mod restore;
mod seed;
mod state;
mod upgrade;

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, MutexGuard};

pub(crate) use addons::{Create, CreateError};
pub(crate) use extensions::{Extension, ExtensionError};
pub(crate) use integrations::{IntegrationError, NewIntegration};
pub(crate) use state::{Addon, Attachment, Database, Integration, State};
pub(crate) use upgrade::UpgradeError;

use crate::keys::{KeyFormat, KeyMaker};
use crate::postgres::Cluster;
use crate::relay::Relay;
use crate::secrets::Secrets;
use crate::sshd::Sshd;
use crate::{keys, postgres, sshd};

/// The one Heroku account of a sandbox.
pub(crate) const ACCOUNT: &str = "dev@example.com";

/// An effect on Postgres or sshd failed (a fault may have stopped them).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Postgres.
    #[error("Postgres")]
    Postgres(#[from] postgres::Error),
    /// sshd.
    #[error("sshd")]
    Sshd(#[from] sshd::Error),
    /// A key.
    #[error("SSH key")]
    Key(#[from] keys::Error),
    /// No add-on of that name.
    #[error("no add-on {0:?}")]
    NoAddon(String),
}

pub(crate) struct World {
    state: Mutex<State>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) sshd: Arc<Sshd>,
    relay: Arc<Relay>,
    /// What the APIs announce instead of 127.0.0.1; never held across an await.
    ssh_host: RwLock<Option<String>>,
    keys: KeyMaker,
    format: KeyFormat,
    pub(crate) secrets: Arc<Secrets>,
    /// The user that sshd logs in.
    ssh_username: String,
    straight: bool,
    elsewhere: Option<u16>,
    /// Postgres' real version and its first number.
    version: (String, u32),
}

/// The parts that a world acts on.
pub(crate) struct Parts {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) sshd: Arc<Sshd>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) keys: KeyMaker,
    pub(crate) format: KeyFormat,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) ssh_username: String,
    pub(crate) straight: bool,
    pub(crate) elsewhere: Option<u16>,
    pub(crate) more_apps: usize,
}

impl World {
    /// Postgres runs; the databases and users of the add-ons are made here.
    pub(crate) async fn create(parts: Parts) -> Result<Self, Error> {
        let rows = parts.cluster.rows("postgres", "show server_version").await?;
        let version = rows.into_iter().flatten().flatten().next().unwrap_or_default();
        // What follows is the packager's: "15.18 (Debian 15.18-0+deb12u1)".
        let version = version.split(' ').next().unwrap_or_default().to_owned();
        let major = version.chars().take_while(char::is_ascii_digit).collect::<String>();
        let world = Self {
            state: Mutex::default(),
            cluster: parts.cluster,
            sshd: parts.sshd,
            relay: parts.relay,
            ssh_host: RwLock::default(),
            keys: parts.keys,
            format: parts.format,
            secrets: parts.secrets,
            ssh_username: parts.ssh_username,
            straight: parts.straight,
            elsewhere: parts.elsewhere,
            version: (version, major.parse().unwrap_or_default()),
        };
        world.seed(parts.more_apps).await?;
        Ok(world)
    }

    /// Postgres' real version.
    pub(crate) fn version(&self) -> (&str, u32) {
        (&self.version.0, self.version.1)
    }

    /// Where the APIs send SSH clients.
    pub(crate) fn ssh_address(&self) -> (String, u16) {
        let host = self.ssh_host.read().unwrap_or_else(PoisonError::into_inner).clone();
        let port = if self.straight { self.sshd.port() } else { self.relay.port() };
        (host.unwrap_or_else(|| "127.0.0.1".to_owned()), port)
    }

    /// From the next answer on.
    pub(crate) fn announce_ssh_host(&self, name: Option<String>) {
        *self.ssh_host.write().unwrap_or_else(PoisonError::into_inner) = name;
    }

    /// Where the APIs say that an add-on's Postgres listens.
    pub(crate) fn database_port(&self, addon: &str) -> u16 {
        let elsewhere = self.elsewhere.filter(|_| addon == seed::ELSEWHERE);
        elsewhere.unwrap_or_else(|| self.cluster.port())
    }

    pub(crate) fn ssh_username(&self) -> &str {
        &self.ssh_username
    }

    pub(crate) async fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().await
    }

    /// Makes sshd accept exactly the keys that the state holds.
    fn authorize(&self, state: &State) -> Result<(), Error> {
        Ok(self.sshd.authorize(&state.public_keys())?)
    }
}
