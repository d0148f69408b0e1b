//! A real OpenSSH server, with the service's manners: public keys only, forwarding to Postgres
//! only, no shell.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::account::is_root;
use crate::find::Programs;
use crate::keys::{self, HostKeyType, KeyMaker, KeyPair};
use crate::process::Server;
use crate::wait;

const START_PATIENCE: Duration = Duration::from_secs(15);
/// Where Debian's sshd wants its empty directory; nothing makes it where sshd is not a service.
const PRIVILEGE_SEPARATION_DIR: &str = "/run/sshd";
/// The first OpenSSH that punishes an address for failed logins; ours all come from one address.
const FIRST_WITH_PENALTIES: (u32, u32) = (9, 8);

/// sshd could not be set up, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or process failed.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The host key.
    #[error("cannot make a host key")]
    Key(#[from] keys::Error),
    /// It ended or does not listen; its log.
    #[error("sshd did not start: {0}")]
    NotStarted(String),
}

#[derive(Debug)]
pub(crate) struct Sshd {
    program: PathBuf,
    /// Holds its configuration, keys and log.
    dir: PathBuf,
    port: u16,
    keys: KeyMaker,
    host_key_type: HostKeyType,
    host_key: std::sync::Mutex<HostKey>,
    /// Held while it is started or stopped, so that two never overlap.
    server: Mutex<Option<Server>>,
    pid: AtomicU32,
}

/// `TYPE BASE64` each.
#[derive(Debug, Default)]
struct HostKey {
    presented: String,
    announced: String,
}

impl Sshd {
    /// Writes all that sshd needs; not yet running.
    pub(crate) async fn create(
        programs: &Programs,
        keys: &KeyMaker,
        host_key_type: HostKeyType,
        dir: &Path,
        (port, permitted): (u16, &[u16]),
    ) -> Result<Self, Error> {
        let sshd = Self {
            program: programs.sshd.clone(),
            dir: dir.to_owned(),
            port,
            keys: keys.clone(),
            host_key_type,
            host_key: std::sync::Mutex::default(),
            server: Mutex::new(None),
            pid: AtomicU32::new(0),
        };
        if is_root() && !Path::new(PRIVILEGE_SEPARATION_DIR).exists() {
            prepare(std::fs::create_dir_all(PRIVILEGE_SEPARATION_DIR))?;
        }
        sshd.new_host_key().await?;
        sshd.announce_host_key();
        sshd.authorize(&[])?;
        let settings = settings(dir, port, permitted, sshd.version().await);
        prepare(std::fs::write(dir.join("sshd_config"), settings))?;
        Ok(sshd)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The running listener.
    pub(crate) fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The key that the API announces.
    pub(crate) fn announced_host_key(&self) -> String {
        self.host_key().announced.clone()
    }

    /// From now on the API announces what sshd presents.
    pub(crate) fn announce_host_key(&self) {
        let mut key = self.host_key();
        key.announced = key.presented.clone();
    }

    /// Replaces the host key's file; sshd presents it after a restart.
    pub(crate) async fn new_host_key(&self) -> Result<(), Error> {
        let KeyPair { private, public, .. } = self.keys.make(self.host_key_type.format()).await?;
        prepare(put(&self.dir.join("host_key"), &private))?;
        self.host_key().presented = public;
        Ok(())
    }

    /// Replaces the list of keys that may log in; counts for the next login.
    pub(crate) fn authorize(&self, public_keys: &[String]) -> Result<(), Error> {
        let lines: String = public_keys
            .iter()
            .map(|key| format!("restrict,port-forwarding,command=\"false\" {key}\n"))
            .collect();
        let path = self.dir.join("authorized_keys");
        let new = path.with_extension("new");
        prepare(put(&new, &lines).and_then(|()| std::fs::rename(&new, &path)))
    }

    /// Returns when it listens; at once when it runs already.
    pub(crate) async fn start(&self) -> Result<(), Error> {
        let mut server = self.server.lock().await;
        if server.is_some() {
            return Ok(());
        }
        let before = self.log().len();
        let mut started = self.spawn()?;
        // Its own word in the log: a connection to find out would show up there as a login.
        let ready = wait::until(START_PATIENCE, || {
            let log = self.log();
            let listens = log.get(before..).is_some_and(|new| new.contains("Server listening on"));
            listens || started.has_ended()
        });
        if ready.await.is_err() || started.has_ended() {
            return Err(Error::NotStarted(self.log()));
        }
        self.pid.store(started.pid(), Ordering::Relaxed);
        *server = Some(started);
        Ok(())
    }

    /// Ends the listener; sessions that are open live on, as they do with the real thing.
    pub(crate) async fn stop(&self) -> Result<(), Error> {
        let Some(server) = self.server.lock().await.take() else { return Ok(()) };
        self.pid.store(0, Ordering::Relaxed);
        server.stop(Signal::TERM).await.map_err(|source| Error::Io { what: "stop sshd", source })
    }

    fn spawn(&self) -> Result<Server, Error> {
        let mut command = Command::new(&self.program);
        command
            .arg("-D")
            .arg("-f")
            .arg(self.dir.join("sshd_config"))
            .arg("-E")
            .arg(self.log_path());
        self.log_file()
            .and_then(|log| Server::spawn(&mut command, log))
            .map_err(|source| Error::Io { what: "start sshd", source })
    }

    /// Old versions know no `-V`, but print their version with the complaint about it.
    async fn version(&self) -> Option<(u32, u32)> {
        let output = Command::new(&self.program).arg("-V").output().await.ok()?;
        version_in(&String::from_utf8_lossy(&output.stderr))
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("sshd.log")
    }

    fn log_file(&self) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(self.log_path())
    }

    fn host_key(&self) -> std::sync::MutexGuard<'_, HostKey> {
        self.host_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ports from which a key logged in, by the log's
/// `Accepted publickey for USER from 127.0.0.1 port N ssh2: TYPE SHA256:…`.
pub(crate) fn logins(log: &str, fingerprint: &str) -> Vec<u16> {
    log.lines()
        .filter(|line| line.contains("Accepted publickey for ") && line.contains(fingerprint))
        .filter_map(|line| line.split_once(" port ")?.1.split(' ').next()?.parse().ok())
        .collect()
}

fn settings(dir: &Path, port: u16, permitted: &[u16], version: Option<(u32, u32)>) -> String {
    let dir = dir.display();
    let each = permitted.iter().map(|port| format!(" 127.0.0.1:{port} localhost:{port}"));
    let permitted: String = each.collect();
    let mut settings = format!(
        "ListenAddress 127.0.0.1:{port}
HostKey {dir}/host_key
PidFile {dir}/sshd.pid
AuthorizedKeysFile {dir}/authorized_keys
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
StrictModes no
AllowTcpForwarding local
PermitOpen{permitted}
AllowAgentForwarding no
X11Forwarding no
PermitTTY no
PrintMotd no
MaxStartups 200
MaxSessions 1000
LogLevel VERBOSE
"
    );
    if version.is_some_and(|version| version >= FIRST_WITH_PENALTIES) {
        settings.push_str("PerSourcePenalties no\n");
    }
    settings
}

fn version_in(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.split_once("OpenSSH_")?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Closed to others before it has content.
fn put(path: &Path, content: &str) -> io::Result<()> {
    std::fs::write(path, "")?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    std::fs::write(path, content)
}

fn prepare(done: io::Result<()>) -> Result<(), Error> {
    done.map_err(|source| Error::Io { what: "write sshd's files", source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_as_printed_by_old_and_new() {
        let table = [
            ("OpenSSH_9.2, OpenSSL 3.0.19 27 Jan 2026", Some((9, 2))),
            ("unknown option -- V\nOpenSSH_8.4p1 Debian-5+deb11u1, OpenSSL 1.1.1", Some((8, 4))),
            ("OpenSSH_10.0p2, LibreSSL 3.3.6", Some((10, 0))),
            ("something else", None),
        ];
        for (text, expected) in table {
            assert_eq!(version_in(text), expected, "{text}");
        }
    }

    #[test]
    fn logins_are_found_by_the_keys_fingerprint() {
        let log = "Connection from 127.0.0.1 port 40000 on 127.0.0.1 port 22 rdomain \"\"\n\
             Accepted publickey for root from 127.0.0.1 port 40000 ssh2: ED25519 SHA256:aa\n\
             Accepted publickey for root from 127.0.0.1 port 40002 ssh2: ED25519 SHA256:bb\n";
        assert_eq!(logins(log, "SHA256:bb"), [40002]);
        assert!(logins(log, "SHA256:cc").is_empty());
    }

    #[test]
    fn only_versions_that_know_penalties_are_told_to_leave_them() {
        let told =
            |version| settings(Path::new("/d"), 1, &[2], version).contains("PerSourcePenalties");
        assert_eq!(
            [None, Some((9, 7)), Some((9, 8)), Some((10, 0))].map(told),
            [false, false, true, true]
        );
    }
}
