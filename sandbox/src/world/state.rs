//! The service's nouns as plain data.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::keys::KeyPair;
use crate::postgres::roles::{Access, Login};

#[derive(Default)]
pub(crate) struct State {
    pub(crate) apps: Vec<App>,
    pub(crate) addons: Vec<Addon>,
    pub(crate) attachments: Vec<Attachment>,
}

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) name: String,
}

#[derive(Clone)]
pub(crate) struct Addon {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `borealis-pg`, or somebody else's.
    pub(crate) service: String,
    /// With the service: `borealis-pg:hex`.
    pub(crate) plan: String,
    /// The app that owns it.
    pub(crate) app: String,
    pub(crate) created_at: Timestamp,
    /// Provisioning until then.
    pub(crate) ready_at: Instant,
    /// The name of the add-on it was restored from.
    pub(crate) restored_from: Option<String>,
    /// `None` for other services' add-ons.
    pub(crate) database: Option<Database>,
}

#[derive(Clone)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) app: String,
    /// The add-on's name.
    pub(crate) addon: String,
}

#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) writer: Login,
    pub(crate) reader: Login,
    /// The application users' SSH key.
    pub(crate) app_key: KeyPair,
    pub(crate) app_jwt: String,
    pub(crate) personal: Personal,
    pub(crate) integrations: BTreeMap<String, Integration>,
    pub(crate) restore_tokens: BTreeSet<String>,
    /// As the service tells it; an upgrade changes this number and not the real server.
    pub(crate) major: u32,
    pub(crate) upgrade: Option<Upgrade>,
}

/// The account's own users. Made when asked for the first time.
#[derive(Clone, Default)]
pub(crate) struct Personal {
    pub(crate) ssh_key: Option<KeyPair>,
    pub(crate) users: Option<PersonalUsers>,
}

#[derive(Clone)]
pub(crate) struct PersonalUsers {
    pub(crate) read_only: Login,
    pub(crate) read_write: Login,
    /// False from a reset until their owner asks again.
    pub(crate) active: bool,
}

#[derive(Clone)]
pub(crate) struct Integration {
    pub(crate) login: Login,
    pub(crate) public_key: String,
    pub(crate) access: Access,
    pub(crate) created_at: Timestamp,
}

#[derive(Clone, Copy)]
pub(crate) struct Upgrade {
    pub(crate) target: u32,
    pub(crate) done_at: Instant,
}

impl State {
    /// Every key that may log in now.
    pub(crate) fn public_keys(&self) -> Vec<String> {
        let databases = || self.addons.iter().filter_map(|addon| addon.database.as_ref());
        let pairs = databases()
            .flat_map(|db| std::iter::once(&db.app_key).chain(&db.personal.ssh_key))
            .map(|pair| pair.public.clone());
        let integrations =
            databases().flat_map(|db| db.integrations.values()).map(|one| one.public_key.clone());
        pairs.chain(integrations).collect()
    }
}

impl PersonalUsers {
    pub(crate) fn each(&self) -> [(&Login, Access); 2] {
        [(&self.read_only, Access::ReadOnly), (&self.read_write, Access::ReadWrite)]
    }
}
