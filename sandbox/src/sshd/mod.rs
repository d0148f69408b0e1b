//! A real OpenSSH server, with the service's manners: public keys only, forwarding to Postgres
//! only, no shell.

mod settings;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
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
    /// Those it has at the start.
    settings: String,
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
        let version = version(&programs.sshd).await;
        let sshd = Self {
            program: programs.sshd.clone(),
            dir: dir.to_owned(),
            port,
            settings: settings::of(dir, port, permitted, version),
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
        sshd.configure(&[])?;
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

    /// These win over those of the start. Connections that are open live on with what they began
    /// with.
    pub(crate) async fn restart_with(&self, first: &[String]) -> Result<(), Error> {
        self.configure(first)?;
        self.stop().await?;
        self.start().await
    }

    /// Ends the processes of all sessions that this listener began, as an administrator might; the
    /// listener stays.
    pub(crate) async fn kill_sessions(&self) -> Result<(), Error> {
        let Some(listener) = self.pid() else { return Ok(()) };
        let io = |source| Error::Io { what: "list processes", source };
        let listed = Command::new("ps").args(["-e", "-o", "pid=,ppid="]).output().await;
        for pid in below(listener, &String::from_utf8_lossy(&listed.map_err(io)?.stdout)) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // An error says that it has just gone with its parent.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        Ok(())
    }

    fn configure(&self, first: &[String]) -> Result<(), Error> {
        let settings = settings::replaced(&self.settings, first);
        prepare(std::fs::write(self.dir.join("sshd_config"), settings))
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

/// Old versions know no `-V`, but print their version with the complaint about it.
async fn version(program: &Path) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("-V").output().await.ok()?;
    settings::version_in(&String::from_utf8_lossy(&output.stderr))
}

/// Children and their children, from lines of `PID PARENT`.
fn below(ancestor: u32, table: &str) -> Vec<u32> {
    let pairs = table.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().ok());
        Some((numbers.next()??, numbers.next()??))
    });
    let pairs: Vec<_> = pairs.collect();
    let (mut found, mut next) = (vec![ancestor], 0);
    while let Some(parent) = found.get(next).copied() {
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.split_off(1)
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
    fn logins_are_found_by_the_keys_fingerprint() {
        let log = "Connection from 127.0.0.1 port 40000 on 127.0.0.1 port 22 rdomain \"\"\n\
             Accepted publickey for root from 127.0.0.1 port 40000 ssh2: ED25519 SHA256:aa\n\
             Accepted publickey for root from 127.0.0.1 port 40002 ssh2: ED25519 SHA256:bb\n";
        assert_eq!(logins(log, "SHA256:bb"), [40002]);
        assert!(logins(log, "SHA256:cc").is_empty());
    }

    #[test]
    fn descendants_are_found_and_nobody_else() {
        let table = "  1  0\n 10  1\n 11 10\n 12 11\n 13 1\n what? 10\n";
        assert_eq!(below(10, table), [11, 12]);
        assert!(below(13, table).is_empty());
    }
}
