//! What was renewed under a session, and why: its owner may want to know who took it away.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which of a session's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// The key for the SSH server.
    SshKey,
    /// The database user's password.
    Password,
    /// From a newer peer.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SshKey => "SSH key",
            Self::Password => "password",
            Self::Unknown => "unknown",
        })
    }
}

/// Credentials were refused, and others were got. A colleague may have reset the users, and may
/// have meant to keep people out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// Which.
    pub credential: CredentialKind,
    /// When the new ones came.
    pub at: Timestamp,
    /// Why the old ones were given up.
    pub reason: String,
}
