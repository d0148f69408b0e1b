//! The ways to a server that are compared.

use serde::Serialize;

/// A way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Way {
    /// No tunnel.
    Direct,
    /// `ssh -N -L`.
    Ssh,
    /// `ssh -N -L -c aes128-gcm@openssh.com`.
    SshGcm,
    /// A session of borealisd.
    Ours,
}

impl Way {
    pub(super) const ALL: [Self; 4] = [Self::Direct, Self::Ssh, Self::SshGcm, Self::Ours];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Ssh => "ssh -L",
            Self::SshGcm => "ssh -L aes128-gcm",
            Self::Ours => "borealisd",
        }
    }
}
