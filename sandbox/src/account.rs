//! Who the sandbox runs as, and who its Postgres runs as: Postgres refuses to be root, and sshd
//! without root logs in nobody but its own user.

use std::io;
use std::os::unix::fs::chown;
use std::path::Path;

use tokio::process::Command;

/// Accounts that may own Postgres when the sandbox is root, in order of preference.
const POSTGRES_OWNERS: &[&str] = &["postgres", "_postgres", "nobody"];

#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The user that sshd logs in.
    pub(crate) name: String,
    /// Whom Postgres runs as; `None`: as we do.
    pub(crate) postgres: Option<Owner>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    uid: u32,
    gid: u32,
}

impl Account {
    pub(crate) async fn current() -> io::Result<Self> {
        let name = id(&["-un"]).await?;
        let postgres = if is_root() { Some(Owner::find().await?) } else { None };
        Ok(Self { name, postgres })
    }
}

impl Owner {
    async fn find() -> io::Result<Self> {
        for name in POSTGRES_OWNERS {
            if let (Ok(uid), Ok(gid)) = (id(&["-u", name]).await, id(&["-g", name]).await)
                && let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse())
            {
                return Ok(Self { uid, gid });
            }
        }
        Err(io::Error::other("no account 'postgres' or 'nobody' to run Postgres as"))
    }

    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }

    pub(crate) fn run(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Asks `id` instead of reading /etc/passwd: macOS and LDAP machines keep users elsewhere.
async fn id(args: &[&str]) -> io::Result<String> {
    let output = Command::new("id").args(args).output().await?;
    if !output.status.success() {
        return Err(io::Error::other(format!("`id {}` failed", args.join(" "))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
