//! `/v1/addons/{target}/…`: the add-on itself, as the service tells about it.
//!
//! Fields have the names that the service's own API has, and texts of it (times too) are passed on
//! as they came, so that scripts get what its documentation says. A field that an add-on does not
//! have is `null`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which add-on a target means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddonIdentity {
    /// The globally unique name.
    pub addon_name: String,
    /// The app in which the target means it.
    pub app_name: String,
    /// Its name in that app.
    pub attachment_name: String,
}

/// The add-on at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddonInfo {
    /// The globally unique name.
    pub addon_name: String,
    /// The application's database.
    #[serde(default)]
    pub app_db_name: Option<String>,
    /// ISO 8601.
    pub created_at: String,
    /// What the plan allows, in bytes.
    pub db_storage_max_bytes: u64,
    /// What is used of it, in bytes.
    pub db_storage_usage_bytes: u64,
    /// `isolated` or `shared`.
    pub db_tenancy_type: String,
    /// The plan, without the service's name before it.
    pub plan_name: String,
    /// The full version of Postgres.
    pub postgres_version: String,
    /// An AWS region.
    pub region: String,
    /// Read-only replicas.
    pub replica_quantity: u32,
    /// The add-on that this one was restored from.
    #[serde(default)]
    pub restore_source_addon_name: Option<String>,
    /// `available`, `provisioning`, `maintenance` and others.
    pub status: String,
    /// ISO 8601: when access is revoked unless storage is freed.
    #[serde(default)]
    pub storage_compliance_deadline: Option<String>,
    /// `ok`, `proximity-warning`, `violating` or `restricted`.
    pub storage_compliance_status: String,
}

/// The installed extensions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PgExtensions {
    /// In the service's order.
    pub extensions: Vec<PgExtension>,
}

/// One installed extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PgExtension {
    /// Its name.
    pub name: String,
    /// The schema that holds it.
    pub schema: String,
    /// Its version.
    pub version: String,
}

/// Asks for an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallExtension {
    /// Its name.
    pub pg_extension_name: String,
    /// Whether what it needs is installed as well.
    #[serde(default)]
    pub recursive: bool,
}

/// What was installed, in the order in which it was: what an extension needs stands before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledExtensions {
    /// The one that was asked for stands last.
    pub installed: Vec<InstalledExtension>,
}

/// One extension that was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstalledExtension {
    /// Its name.
    pub pg_extension_name: String,
    /// The schema that holds it.
    pub pg_extension_schema: String,
    /// Its version.
    pub pg_extension_version: String,
}

/// The database users of an add-on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbUsers {
    /// In the service's order.
    pub users: Vec<DbUser>,
}

/// Who may log in: each user has a role that reads and one that writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DbUser {
    /// The person; none for the application.
    #[serde(default)]
    pub display_name: Option<String>,
    /// May read.
    pub read_only_username: String,
    /// May write.
    pub read_write_username: String,
    /// `app` or `personal`.
    pub user_type: String,
}

/// The data integrations of an add-on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integrations {
    /// In the service's order.
    pub integrations: Vec<Integration>,
}

/// A program of somebody else's that may log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// Its name.
    pub name: String,
    /// Its database user.
    pub db_username: String,
    /// Its SSH user.
    pub ssh_username: String,
    /// Whether it may write.
    pub write_access: bool,
    /// ISO 8601.
    pub created_at: String,
}

/// Asks for a data integration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterIntegration {
    /// 1 to 25 of `a-z 0-9 _`.
    pub integration_name: String,
    /// `TYPE BASE64`, of the program that will log in.
    pub ssh_public_key: String,
    /// Whether it may write.
    #[serde(default)]
    pub enable_write_access: bool,
}

/// How a new data integration logs in. The password is told this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationLogin {
    /// Postgres, as seen from the SSH server.
    pub db_host: String,
    /// Its port; the usual one if the service does not say.
    #[serde(default = "postgres_port")]
    pub db_port: u16,
    /// The database.
    pub db_name: String,
    /// The user.
    pub db_username: String,
    /// The secret.
    pub db_password: String,
    /// The SSH server.
    pub ssh_host: String,
    /// Its port; the usual one if the service does not say.
    #[serde(default = "ssh_port")]
    pub ssh_port: u16,
    /// The user there.
    pub ssh_username: String,
    /// `TYPE BASE64`, by which the program knows the SSH server.
    pub public_ssh_host_key: String,
}

/// What can be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreCapabilities {
    /// Whether the add-on can be copied as it is.
    pub clone_supported: bool,
    /// ISO 8601.
    #[serde(default)]
    pub earliest_restorable_time: Option<String>,
    /// ISO 8601.
    #[serde(default)]
    pub latest_restorable_time: Option<String>,
    /// Whether the add-on can be copied as it was.
    pub restore_supported: bool,
}

/// Asks for a new add-on with the data of another. All but the target has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Restore {
    /// The app that gets it; the target's own without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_app: Option<String>,
    /// Its plan; that of its source without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_name: Option<String>,
    /// Its name in the app; Heroku's choice without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment_name: Option<String>,
    /// ISO 8601: as it was then; as it is now without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_to_time: Option<String>,
}

/// An add-on as Heroku sees it: what `restore` made, and how far that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonState {
    /// The globally unique name.
    pub name: String,
    /// `provisioning`, `provisioned` or `deprovisioned`.
    pub state: String,
    /// The plan.
    pub plan: Named,
    /// The app that owns it.
    pub app: Named,
}

/// Something of Heroku's, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub name: String,
}

/// What a major version upgrade would do, or does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeInfo {
    /// `15`.
    pub current_pg_major_version: String,
    /// `16`.
    #[serde(default)]
    pub next_pg_major_version: Option<String>,
    /// `available`, `upgrading` or `maximum`.
    pub upgrade_status: String,
}

/// An upgrade that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeStarted {
    /// `15`.
    pub current_pg_major_version: String,
    /// `16`.
    pub target_pg_major_version: String,
}

fn postgres_port() -> u16 {
    5432
}

fn ssh_port() -> u16 {
    22
}

impl AddonInfo {
    /// Whether the service is still at work on it.
    #[must_use]
    pub fn is_provisioning(&self) -> bool {
        matches!(self.status.as_str(), "awaiting" | "configuring" | "provisioning" | "requested")
    }
}

impl AddonState {
    /// In the making.
    pub const PROVISIONING: &str = "provisioning";

    /// Whether Heroku or the service is still at work on it.
    #[must_use]
    pub fn is_provisioning(&self) -> bool {
        self.state == Self::PROVISIONING
    }

    /// Whether it is there.
    #[must_use]
    pub fn is_provisioned(&self) -> bool {
        self.state == "provisioned"
    }
}

/// Without the password.
impl fmt::Debug for IntegrationLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntegrationLogin")
            .field("db_username", &self.db_username)
            .field("ssh_username", &self.ssh_username)
            .field("db_password", &"<secret>")
            .finish_non_exhaustive()
    }
}
