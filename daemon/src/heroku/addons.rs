//! Add-ons themselves: how far one is, and making one out of another.

use borealis_proto::AddonState;
use serde_json::{Map, Value, json};

use super::client::Heroku;
use super::error::Error;
use crate::secret::Secret;

/// An add-on to be made out of another.
#[derive(Debug)]
pub struct NewAddon {
    /// With the service's name before it.
    pub plan: String,
    /// From the Borealis API: names the source.
    pub restore_token: Secret<String>,
    /// ISO 8601: as the source was then; as it is now without it.
    pub restore_to_time: Option<String>,
    /// Its name in the app; Heroku's choice without it.
    pub attachment: Option<String>,
}

impl Heroku {
    /// How far an add-on is, and its plan. By name or UUID.
    ///
    /// # Errors
    /// Without a login, or when Heroku refuses.
    pub async fn addon_state(&self, addon: &str) -> Result<AddonState, Error> {
        self.get(&["addons", addon]).await
    }

    /// Makes an add-on in an app. It is there with the answer, and ready much later.
    ///
    /// # Errors
    /// Without a login, or when Heroku refuses: no such plan, a name that is taken.
    pub async fn create_addon(&self, app: &str, new: &NewAddon) -> Result<AddonState, Error> {
        self.post(&["apps", app, "addons"], new.body()).await
    }
}

impl NewAddon {
    fn body(&self) -> Value {
        let mut config = Map::new();
        config.insert("restore-token".to_owned(), json!(self.restore_token.expose()));
        if let Some(time) = &self.restore_to_time {
            config.insert("restore-to-time".to_owned(), json!(time));
        }
        let mut body = Map::new();
        body.insert("plan".to_owned(), json!(self.plan));
        body.insert("config".to_owned(), Value::Object(config));
        if let Some(name) = &self.attachment {
            body.insert("attachment".to_owned(), json!({ "name": name }));
        }
        Value::Object(body)
    }
}
