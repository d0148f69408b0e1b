//! The world every sandbox starts with: one app with one database, one with two, one that only
//! borrows, one without any, and an add-on of somebody else.

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::lookup::SERVICE;
use super::state::{Addon, App, Attachment, Database, Personal, State};
use super::{Error, World};
use crate::keys::KeyFormat;
use crate::postgres::roles::Login;
use crate::secrets::hex;

/// Add-on, database, owning app.
const ADDONS: &[(&str, &str, &str)] = &[
    ("borealis-pg-hex-12345", "d1", "sushi"),
    ("borealis-pg-hex-00002", "d2", "ramen"),
    ("borealis-pg-hex-00003", "d3", "ramen"),
    ("borealis-pg-hex-00004", "d4", "udon"),
    ("borealis-pg-hex-00005", "d5", "soba"),
];
/// The one whose database may be somewhere else; `udon`'s.
pub(super) const ELSEWHERE: &str = "borealis-pg-hex-00004";
const REDIS: &str = "redis-regular-54321";
const APPS: &[&str] = &["sushi", "sushi-staging", "ramen", "udon", "soba", "empty"];
/// App, attachment, add-on.
const ATTACHMENTS: &[(&str, &str, &str)] = &[
    ("sushi", "DATABASE", "borealis-pg-hex-12345"),
    ("sushi-staging", "MAIN_DB", "borealis-pg-hex-12345"),
    ("sushi", "REDIS", REDIS),
    ("ramen", "DATABASE", "borealis-pg-hex-00002"),
    ("ramen", "ARCHIVE", "borealis-pg-hex-00003"),
    ("udon", "DATABASE", "borealis-pg-hex-00004"),
    ("soba", "DATABASE", "borealis-pg-hex-00005"),
];

impl World {
    pub(super) async fn seed(&self, more_apps: usize) -> Result<(), Error> {
        let mut state = self.state().await;
        state.apps.extend(APPS.iter().map(|name| App::new(name)));
        for (addon, database, app) in ADDONS {
            state.addons.push(self.new_addon(addon, database, app).await?);
        }
        for number in 1..=more_apps {
            let (app, addon) = (format!("app-{number}"), format!("borealis-pg-app-{number}"));
            let database = state.next_database_name();
            state.addons.push(self.new_addon(&addon, &database, &app).await?);
            state.attachments.push(Attachment::new(&app, "DATABASE", &addon));
            state.apps.push(App::new(&app));
        }
        let redis = ("heroku-redis", "heroku-redis:mini");
        state.addons.push(Addon::new(REDIS, redis, "sushi", None));
        let attachments =
            ATTACHMENTS.iter().map(|(app, name, addon)| Attachment::new(app, name, addon));
        state.attachments.extend(attachments);
        self.authorize(&state)
    }

    async fn new_addon(&self, addon: &str, database: &str, app: &str) -> Result<Addon, Error> {
        let database = self.new_database(database).await?;
        let plan = format!("{SERVICE}:x2-h20-p20-s20");
        Ok(Addon::new(addon, (SERVICE, &plan), app, Some(database)))
    }

    /// A new real database with its application users and their key.
    pub(super) async fn new_database(&self, name: &str) -> Result<Database, Error> {
        let writer = self.login("app_rw_");
        let reader = self.login("app_ro_");
        let (key, created) = tokio::join!(
            self.keys.make(KeyFormat::Ed25519OpenSsh),
            self.cluster.create_database(name, &writer, &reader),
        );
        let app_key = key?;
        created?;
        self.secrets.add_key(&app_key.private);
        Ok(Database {
            name: name.to_owned(),
            writer,
            reader,
            app_key,
            app_jwt: self.secrets.token("eyJhbGciOiJIUzI1NiJ9."),
            personal: Personal::default(),
            integrations: Default::default(),
            restore_tokens: Default::default(),
            major: self.version().1,
            upgrade: None,
        })
    }

    pub(super) fn login(&self, prefix: &str) -> Login {
        Login { name: format!("{prefix}{}", hex(6)), password: self.secrets.password() }
    }
}

impl State {
    /// `d6` after `d5`.
    pub(super) fn next_database_name(&self) -> String {
        let taken = self.addons.iter().filter(|addon| addon.database.is_some()).count();
        format!("d{}", taken + 1)
    }
}

impl App {
    fn new(name: &str) -> Self {
        Self { id: Uuid::new_v4().to_string(), name: name.to_owned() }
    }
}

impl Addon {
    pub(super) fn new(
        name: &str,
        (service, plan): (&str, &str),
        app: &str,
        database: Option<Database>,
    ) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            name: name.to_owned(),
            service: service.to_owned(),
            plan: plan.to_owned(),
            app: app.to_owned(),
            created_at: Timestamp::now(),
            ready_at: Instant::now(),
            restored_from: None,
            database,
        }
    }
}

impl Attachment {
    pub(super) fn new(app: &str, name: &str, addon: &str) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            name: name.to_owned(),
            app: app.to_owned(),
            addon: addon.to_owned(),
        }
    }
}
