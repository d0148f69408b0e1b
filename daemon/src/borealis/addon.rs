//! The calls about an add-on itself.

use std::time::Duration;

use borealis_proto::{
    AddonInfo, DbUsers, InstalledExtension, IntegrationLogin, Integrations, PgExtensions,
    RegisterIntegration, RestoreCapabilities, UpgradeInfo, UpgradeStarted,
};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::{Borealis, Call};
use super::declined::Declined;
use super::error::Error;
use crate::secret::Secret;

/// The service makes users and keys on several servers before it answers.
const REGISTERING: Duration = Duration::from_secs(5 * 60);

/// The service may wait for Postgres.
const AT_WORK: Duration = Duration::from_secs(2 * 60);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewExtension {
    pg_extension_schema: String,
    pg_extension_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestoreToken {
    restore_token: Secret<String>,
}

/// Every method: an error is as the table of statuses says, or there is no readable answer.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Borealis {
    /// The add-on at a glance.
    pub async fn info(&self, addon: &str, token: &Secret<String>) -> Result<AddonInfo, Error> {
        self.fetch(Call::new(Method::GET, addon, &[]), token).await
    }

    /// What is installed.
    pub async fn extensions(
        &self,
        addon: &str,
        token: &Secret<String>,
    ) -> Result<PgExtensions, Error> {
        self.fetch(Call::new(Method::GET, addon, &["pg-extensions"]), token).await
    }

    /// Installs one extension, and nothing that it needs.
    pub async fn install_extension(
        &self,
        addon: &str,
        token: &Secret<String>,
        name: &str,
    ) -> Result<InstalledExtension, Error> {
        let meaning = |answer: &_| Declined::to_install(name, answer);
        let call = Call::new(Method::POST, addon, &["pg-extensions"])
            .body(json!({ "pgExtensionName": name }))
            .timeout(AT_WORK)
            .declined(&meaning);
        let new: NewExtension = self.fetch(call, token).await?;
        Ok(InstalledExtension {
            pg_extension_name: name.to_owned(),
            pg_extension_schema: new.pg_extension_schema,
            pg_extension_version: new.pg_extension_version,
        })
    }

    /// Removes an extension that nothing needs.
    pub async fn remove_extension(
        &self,
        addon: &str,
        token: &Secret<String>,
        name: &str,
    ) -> Result<(), Error> {
        let meaning = |answer: &_| Declined::to_uninstall(name, answer);
        let path = ["pg-extensions", name];
        let call = Call::new(Method::DELETE, addon, &path).timeout(AT_WORK).declined(&meaning);
        self.ask(&call, token).await.map(drop)
    }

    /// Who may log in to the database.
    pub async fn db_users(&self, addon: &str, token: &Secret<String>) -> Result<DbUsers, Error> {
        self.fetch(Call::new(Method::GET, addon, &["db-users"]), token).await
    }

    /// Gives the application new users and passwords, and deactivates all personal users.
    pub async fn reset_credentials(
        &self,
        addon: &str,
        token: &Secret<String>,
    ) -> Result<(), Error> {
        let call = Call::new(Method::DELETE, addon, &["db-users", "credentials"])
            .timeout(AT_WORK)
            .declined(&Declined::to_reset);
        self.ask(&call, token).await.map(drop)
    }

    /// Which data integrations there are.
    pub async fn integrations(
        &self,
        addon: &str,
        token: &Secret<String>,
    ) -> Result<Integrations, Error> {
        self.fetch(Call::new(Method::GET, addon, &["data-integrations"]), token).await
    }

    /// Makes the users of a data integration.
    pub async fn register_integration(
        &self,
        addon: &str,
        token: &Secret<String>,
        wish: &RegisterIntegration,
    ) -> Result<IntegrationLogin, Error> {
        let meaning = |answer: &_| Declined::to_register(&wish.integration_name, answer);
        let call = Call::new(Method::POST, addon, &["data-integrations"])
            .body(json!(wish))
            .timeout(REGISTERING)
            .declined(&meaning);
        self.fetch(call, token).await
    }

    /// Ends the users of a data integration.
    pub async fn remove_integration(
        &self,
        addon: &str,
        token: &Secret<String>,
        name: &str,
    ) -> Result<(), Error> {
        let meaning = |answer: &_| Declined::to_deregister(name, answer);
        let path = ["data-integrations", name];
        let call = Call::new(Method::DELETE, addon, &path).timeout(REGISTERING).declined(&meaning);
        self.ask(&call, token).await.map(drop)
    }

    /// What can be restored.
    pub async fn restore_capabilities(
        &self,
        addon: &str,
        token: &Secret<String>,
    ) -> Result<RestoreCapabilities, Error> {
        self.fetch(Call::new(Method::GET, addon, &["restore-capabilities"]), token).await
    }

    /// With it Heroku makes an add-on out of this one.
    pub async fn restore_token(
        &self,
        addon: &str,
        token: &Secret<String>,
    ) -> Result<Secret<String>, Error> {
        let call =
            Call::new(Method::POST, addon, &["restore-tokens"]).declined(&Declined::to_restore);
        let RestoreToken { restore_token } = self.fetch(call, token).await?;
        Ok(restore_token)
    }

    /// Where the add-on stands with major versions.
    pub async fn upgrade(&self, addon: &str, token: &Secret<String>) -> Result<UpgradeInfo, Error> {
        self.fetch(Call::new(Method::GET, addon, &["pg-version-upgrades"]), token).await
    }

    /// Begins an upgrade to the next major version.
    pub async fn start_upgrade(
        &self,
        addon: &str,
        token: &Secret<String>,
    ) -> Result<UpgradeStarted, Error> {
        let call = Call::new(Method::POST, addon, &["pg-version-upgrades"])
            .declined(&Declined::to_upgrade);
        self.fetch(call, token).await
    }

    /// Stops an upgrade that is under way.
    pub async fn cancel_upgrade(&self, addon: &str, token: &Secret<String>) -> Result<(), Error> {
        let path = ["pg-version-upgrades", "current"];
        let call = Call::new(Method::DELETE, addon, &path).declined(&Declined::to_cancel);
        self.ask(&call, token).await.map(drop)
    }
}

#[cfg(test)]
mod tests;
