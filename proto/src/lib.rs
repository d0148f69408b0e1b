//! The control API between `borealisctl` and `borealisd`, and what both must agree on without
//! asking each other: the grammar of targets, where files live, which settings exist.
//!
//! Nothing here does I/O and nothing here knows a runtime, so that the client stays light. The
//! API is add-only: a new field is optional, an enum has an `unknown`, and the JSON files below
//! `tests/golden` are kept for ever.

mod addon;
mod daemon;
mod doctor;
mod error;
mod event;
mod paths;
mod query;
mod renewed;
mod session;
mod settings;
mod target;
mod version;

pub use addon::{
    AddonIdentity, AddonInfo, AddonState, DbUser, DbUsers, InstallExtension, InstalledExtension,
    InstalledExtensions, Integration, IntegrationLogin, Integrations, Named, PgExtension,
    PgExtensions, RegisterIntegration, Restore, RestoreCapabilities, UpgradeInfo, UpgradeStarted,
};
pub use daemon::{DaemonInfo, Health};
pub use doctor::{Check, Checkup, Verdict};
pub use error::{ErrorBody, ErrorCode, ErrorDetail};
pub use event::Event;
pub use paths::{Paths, PathsError, shell_word};
pub use query::{Column, OnError, QueryEvent, QueryRequest, ServerMessage, Severity};
pub use renewed::{CredentialKind, Renewed};
pub use session::{
    Access, Bytes, Connections, Credentials, Endpoint, Identity, OpenSession, Reason, Session,
    SessionId, SessionList, SessionState, canonical_attachment,
};
pub use settings::{Renew, Settings, SettingsError};
pub use target::{Target, TargetError};
pub use version::{
    API_HEADER, API_VERSION, DAEMON_HEADER, HEROKU_KEY_HEADER, REPLACED, REQUEST_ID_HEADER,
    TWO_FACTOR_HEADER,
};
