//! `/v1/addons/{target}/…`, one short method a call.

use std::time::Duration;

use borealis_proto::{
    AddonIdentity, AddonInfo, AddonState, DbUsers, InstallExtension, InstalledExtensions,
    IntegrationLogin, Integrations, PgExtensions, RegisterIntegration, Restore,
    RestoreCapabilities, Target, UpgradeInfo, UpgradeStarted,
};
use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire::Ask;
use super::{Api, Error};

/// The daemon asks two APIs, a few times each, and bounds each of these itself.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The service is slow with integrations, and an extension may need others.
const LONG: Duration = Duration::from_secs(15 * 60);

/// All but what RFC 3986 leaves unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One add-on, by its target.
#[derive(Debug)]
pub struct Addon<'a> {
    api: &'a Api,
    path: String,
}

/// Every method: an error says whether the daemon or the way to it is at fault.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Api {
    /// The add-on that a target means.
    #[must_use]
    pub fn addon(&self, target: &Target) -> Addon<'_> {
        Addon { api: self, path: format!("/v1/addons/{}", encoded(&target.to_string())) }
    }
}

/// See [`Api::addon`]. Where there is a `confirm`, nothing is done unless it is the right name.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Addon<'_> {
    /// Which add-on it is.
    pub async fn identity(&self) -> Result<AddonIdentity, Error> {
        self.get("/identity").await
    }

    /// At a glance.
    pub async fn info(&self) -> Result<AddonInfo, Error> {
        self.get("").await
    }

    /// How far Heroku is with it; waits for the end of that as long as `wait`.
    pub async fn state(&self, wait: Duration) -> Result<AddonState, Error> {
        self.get(&format!("/state?wait_ms={}", wait.as_millis())).await
    }

    /// What is installed.
    pub async fn extensions(&self) -> Result<PgExtensions, Error> {
        self.get("/extensions").await
    }

    /// Installs one, and what it needs if that is wished.
    pub async fn install(&self, wish: &InstallExtension) -> Result<InstalledExtensions, Error> {
        self.post("/extensions", wish).await
    }

    /// Removes one.
    pub async fn uninstall(&self, name: &str, confirm: Option<&str>) -> Result<(), Error> {
        self.delete(&format!("/extensions/{}", encoded(name)), confirm).await
    }

    /// Who may log in.
    pub async fn users(&self) -> Result<DbUsers, Error> {
        self.get("/users").await
    }

    /// New users for the application; personal ones end.
    pub async fn reset_users(&self, confirm: Option<&str>) -> Result<(), Error> {
        self.delete("/users/credentials", confirm).await
    }

    /// Which data integrations there are.
    pub async fn integrations(&self) -> Result<Integrations, Error> {
        self.get("/integrations").await
    }

    /// Makes one.
    pub async fn register(&self, wish: &RegisterIntegration) -> Result<IntegrationLogin, Error> {
        self.post("/integrations", wish).await
    }

    /// Ends one.
    pub async fn deregister(&self, name: &str, confirm: Option<&str>) -> Result<(), Error> {
        self.delete(&format!("/integrations/{}", encoded(name)), confirm).await
    }

    /// What can be restored.
    pub async fn restore_capabilities(&self) -> Result<RestoreCapabilities, Error> {
        self.get("/restore").await
    }

    /// Makes a new add-on of this one.
    pub async fn restore(
        &self,
        wish: &Restore,
        confirm: Option<&str>,
    ) -> Result<AddonState, Error> {
        self.post(&with(confirm, "/restore"), wish).await
    }

    /// Where it stands with major versions.
    pub async fn upgrade(&self) -> Result<UpgradeInfo, Error> {
        self.get("/upgrade").await
    }

    /// Begins an upgrade.
    pub async fn start_upgrade(&self, confirm: Option<&str>) -> Result<UpgradeStarted, Error> {
        self.send(Method::POST, &with(confirm, "/upgrade"), PATIENCE).await?.json().await
    }

    /// Stops it.
    pub async fn cancel_upgrade(&self, confirm: Option<&str>) -> Result<(), Error> {
        self.delete("/upgrade", confirm).await
    }

    async fn get<T: DeserializeOwned>(&self, below: &str) -> Result<T, Error> {
        self.send(Method::GET, below, PATIENCE).await?.json().await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        below: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let ask = Ask::new(Method::POST, &format!("{}{below}", self.path), LONG).json(body)?;
        self.api.send(self.api.with_key(ask)).await?.json().await
    }

    async fn delete(&self, below: &str, confirm: Option<&str>) -> Result<(), Error> {
        self.send(Method::DELETE, &with(confirm, below), LONG).await.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        below: &str,
        patience: Duration,
    ) -> Result<super::Answer, Error> {
        let ask = Ask::new(method, &format!("{}{below}", self.path), patience);
        self.api.send(self.api.with_key(ask)).await
    }
}

fn with(confirm: Option<&str>, below: &str) -> String {
    match confirm {
        Some(name) => format!("{below}?confirm={}", encoded(name)),
        None => below.to_owned(),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
