//! Finding things in the state, by the names that the APIs use.

use tokio::time::Instant;

use super::state::{Addon, App, Attachment, Database, State};

/// Our service's name at Heroku.
pub(crate) const SERVICE: &str = "borealis-pg";

impl State {
    pub(crate) fn app(&self, name_or_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.name == name_or_id || app.id == name_or_id)
    }

    pub(crate) fn addon(&self, name_or_id: &str) -> Option<&Addon> {
        self.addons.iter().find(|addon| addon.name == name_or_id || addon.id == name_or_id)
    }

    /// The database of a Borealis add-on, found by the add-on's name.
    pub(crate) fn database(&self, addon: &str) -> Option<&Database> {
        self.addons.iter().find(|one| one.name == addon)?.database.as_ref()
    }

    pub(crate) fn database_mut(&mut self, addon: &str) -> Option<&mut Database> {
        self.addons.iter_mut().find(|one| one.name == addon)?.database.as_mut()
    }

    /// Add-ons that are attached to an app, its own or another app's.
    pub(crate) fn addons_of(&self, app: &str) -> Vec<&Addon> {
        let attached = |addon: &Addon| {
            self.attachments.iter().any(|one| one.app == app && one.addon == addon.name)
        };
        self.addons.iter().filter(|addon| addon.app == app || attached(addon)).collect()
    }

    pub(crate) fn attachments_of_addon(&self, addon: &str) -> Vec<&Attachment> {
        self.attachments.iter().filter(|one| one.addon == addon).collect()
    }

    pub(crate) fn attachments_of_app(&self, app: &str) -> Vec<&Attachment> {
        self.attachments.iter().filter(|one| one.app == app).collect()
    }

    /// What Heroku's resolve finds: an attachment's name counts within its app only, `APP::NAME`,
    /// ids and add-on names count everywhere.
    pub(crate) fn resolve(&self, wanted: &str, app: Option<&str>) -> Vec<&Attachment> {
        let (app, wanted) = match wanted.split_once("::") {
            Some((named, rest)) => (Some(named), rest),
            None => (app, wanted),
        };
        let in_app = |one: &Attachment| app.is_none_or(|app| one.app == app);
        let by_name: Vec<_> = self
            .attachments
            .iter()
            .filter(|one| app == Some(&one.app) && one.name.eq_ignore_ascii_case(wanted))
            .collect();
        if !by_name.is_empty() {
            return by_name;
        }
        let addon = self.addon(wanted).map(|addon| addon.name.as_str());
        self.attachments
            .iter()
            .filter(|one| one.id == wanted || Some(one.addon.as_str()) == addon)
            .filter(|one| in_app(one))
            .collect()
    }
}

impl Addon {
    pub(crate) fn is_provisioning(&self) -> bool {
        Instant::now() < self.ready_at
    }
}
