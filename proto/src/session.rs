//! A session as the API shows it: no secret in any of it but [`Credentials`].

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::renewed::Renewed;

/// Names a session for as long as it is wanted: `ses_` and a few of `a-z2-9`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(String);

impl SessionId {
    /// What every id begins with, so that a target can be told from an app's name.
    pub const PREFIX: &'static str = "ses_";

    /// An id from its random part.
    #[must_use]
    pub fn new(suffix: &str) -> Self {
        Self(format!("{}{suffix}", Self::PREFIX))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let suffix = text.strip_prefix(Self::PREFIX).ok_or(NotAnId)?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if suffix.is_empty() || suffix.len() > 32 || !suffix.chars().all(plain) {
            return Err(NotAnId);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The text is not a session's id.
#[derive(Debug, thiserror::Error)]
#[error("not a session's id (ses_…)")]
pub struct NotAnId;

/// What a session's database user may do.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// The read-only user. Everything starts here unless somebody asks for more.
    #[default]
    ReadOnly,
    /// The read/write user.
    ReadWrite,
    /// From a newer peer.
    #[serde(other)]
    Unknown,
}

impl Access {
    /// What follows a target in a command that means the session of this access.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::ReadWrite => " -w",
            Self::ReadOnly | Self::Unknown => "",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "read-write",
            Self::Unknown => "unknown",
        })
    }
}

/// On whose behalf a session speaks to the add-on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The personal users of the Heroku account.
    #[default]
    Personal,
    /// The users of the app, from its config vars.
    Application,
    /// From a newer peer.
    #[serde(other)]
    Unknown,
}

impl Identity {
    fn is_personal(&self) -> bool {
        *self == Self::Personal
    }
}

/// How a session is just now. What the user wants is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// On its way up for the first time.
    Opening,
    /// A new connection reaches Postgres.
    Up,
    /// Was up, and will be again without anybody's help.
    Reconnecting,
    /// Needs a person: the reason says what to do.
    Blocked,
    /// Somebody asked for its end; running connections are being drained.
    Closing,
    /// From a newer peer.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "opening",
            Self::Up => "up",
            Self::Reconnecting => "reconnecting",
            Self::Blocked => "blocked",
            Self::Closing => "closing",
            Self::Unknown => "unknown",
        })
    }
}

/// Why a session is not up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// For programs.
    pub code: ErrorCode,
    /// What happened, to what.
    pub message: String,
    /// What to type next.
    #[serde(default)]
    pub hint: Option<String>,
}

/// The local address of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// A loopback address.
    pub host: String,
    /// Chosen once, then kept.
    pub port: u16,
    /// Path of the Unix socket, where there is one.
    #[serde(default)]
    pub socket: Option<String>,
}

/// Local clients of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// Joined to Postgres now.
    pub open: u64,
    /// Accepted, and waiting for the tunnel.
    pub waiting: u64,
    /// Accepted since the daemon started.
    pub total: u64,
}

/// Bytes relayed since the daemon started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// From local clients to Postgres.
    pub sent: u64,
    /// From Postgres to local clients.
    pub received: u64,
}

/// One session, as `up`, `ls` and `status` print it with `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// `APP/ATTACHMENT`.
    pub target: String,
    /// The app.
    pub app: String,
    /// The attachment's name in the app.
    pub attachment: String,
    /// The add-on's globally unique name.
    pub addon: String,
    /// The add-on's UUID; absent where the daemon is older than the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addon_id: Option<String>,
    /// What its user may do.
    pub access: Access,
    /// On whose behalf; absent for the personal users.
    #[serde(default, skip_serializing_if = "Identity::is_personal")]
    pub identity: Identity,
    /// Ends with the request that holds it, and is not there after a restart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ephemeral: bool,
    /// How it is.
    pub state: SessionState,
    /// Since when it is so.
    pub since: Timestamp,
    /// Present whenever the state is not `up`; and when it is, but Postgres cannot be reached.
    pub reason: Option<Reason>,
    /// Failed tries since it was last well.
    pub attempt: u32,
    /// When the next try is due.
    pub next_retry_at: Option<Timestamp>,
    /// Where it is reached.
    pub endpoint: Endpoint,
    /// The database's name, once known.
    pub database: Option<String>,
    /// The database user, once known.
    pub user: Option<String>,
    /// Its local clients.
    pub connections: Connections,
    /// What was relayed.
    pub bytes: Bytes,
    /// When Postgres last answered through it.
    pub proved_at: Option<Timestamp>,
    /// Why the state file does not have it as it is now; absent while it does. Since 2026-11-24.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaved: Option<Reason>,
    /// The last time that credentials were refused and renewed without a `refresh`; gone with the
    /// next `refresh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed: Option<Renewed>,
    /// The add-on that the target means now, when that is known to be another one. The session stays
    /// with `addon`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
}

/// `POST /v1/sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// As the user typed it.
    pub target: String,
    /// Read-only unless asked.
    #[serde(default)]
    pub access: Access,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Identity::is_personal")]
    pub identity: Identity,
    /// The wished port; the daemon chooses one without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Not written to the state file, and closed once no `GET /v1/sessions/{id}/hold` is open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ephemeral: bool,
    /// How long the answer may wait for the session to be up, in milliseconds. 0: not at all.
    #[serde(default)]
    pub wait_ms: u64,
}

/// `GET /v1/sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    /// Grows with every change; hand it back as `?wait=N` to hear of the next one.
    pub version: u64,
    /// By app, attachment, access.
    pub sessions: Vec<Session>,
}

/// `GET /v1/sessions/{id}/credentials`: the only answer with a secret in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Where to connect.
    pub endpoint: Endpoint,
    /// The database's name.
    pub database: String,
    /// The database user.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl Credentials {
    /// A line of libpq's password file, `host:port:database:user:password`. `*` fits any database.
    #[must_use]
    pub fn passfile_line(&self, database: &str) -> String {
        let Self { endpoint, user, password, .. } = self;
        let escaped = |field: &str| field.replace('\\', r"\\").replace(':', r"\:");
        let fields = [&endpoint.host, &endpoint.port.to_string(), database, user, password];
        format!("{}\n", fields.map(escaped).join(":"))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("endpoint", &self.endpoint)
            .field("database", &self.database)
            .field("user", &self.user)
            .field("password", &"<secret>")
            .finish()
    }
}

/// The attachment that people mean by the config var's name: `DATABASE_URL` is `DATABASE`.
#[must_use]
pub fn canonical_attachment(typed: &str) -> &str {
    match typed.strip_suffix("_URL") {
        Some(stem) if !stem.is_empty() => stem,
        Some(_) | None => typed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_and_backslashes_do_not_end_a_field() {
        let credentials = Credentials {
            endpoint: Endpoint { host: "::1".into(), port: 15873, socket: None },
            database: "d1".into(),
            user: "u:1".into(),
            password: r"a:b\c".into(),
        };
        let line = "\\:\\:1:15873:d1:u\\:1:a\\:b\\\\c\n";
        assert_eq!(credentials.passfile_line(&credentials.database), line);
        assert_eq!(credentials.passfile_line("*"), line.replace("d1", "*"));
    }
}
