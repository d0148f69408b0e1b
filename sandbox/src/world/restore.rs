//! Restore tokens, which turn the making of an add-on into a restore or a clone.

use super::personal::no_addon;
use super::state::State;
use super::{Error, World};

impl World {
    pub(crate) async fn new_restore_token(&self, addon: &str) -> Result<String, Error> {
        let mut state = self.state().await;
        let database = state.database_mut(addon).ok_or_else(|| no_addon(addon))?;
        let token = self.secrets.token("restore-");
        database.restore_tokens.insert(token.clone());
        Ok(token)
    }
}

impl State {
    /// The add-on that a restore token is for.
    pub(super) fn source_of(&self, token: &str) -> Option<&str> {
        let holds = |tokens: &std::collections::BTreeSet<String>| tokens.contains(token);
        self.addons
            .iter()
            .find(|addon| addon.database.as_ref().is_some_and(|db| holds(&db.restore_tokens)))
            .map(|addon| addon.name.as_str())
    }
}
