//! An OpenSSH server that logs in whoever runs the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use borealisd::credentials::{Generation, SshCredentials};
use borealisd::secret::Secret;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::log::Log;
use super::{free_port, run};

/// Runs until dropped.
pub(crate) struct Sshd {
    pub(crate) port: u16,
    dir: TempDir,
    daemon: Child,
    log: Log,
}

impl Sshd {
    /// With a host key of the type (an argument for `ssh-keygen -t`), and no user key yet.
    pub(crate) async fn start(host_key_type: &str) -> Self {
        Self::start_with(host_key_type, &[]).await
    }

    /// With lines that its settings begin with: the first to say something is right.
    pub(crate) async fn start_with(host_key_type: &str, settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        keygen(&dir.path().join("host_key"), &["-t", host_key_type]);
        fs::write(dir.path().join("authorized_keys"), "").unwrap();
        let settings = settings.join("\n") + "\n" + &config(dir.path(), port);
        fs::write(dir.path().join("config"), settings).unwrap();
        if geteuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let (daemon, mut log) = spawn(dir.path());
        log.wait_for("Server listening on").await;
        Self { port, dir, daemon, log }
    }

    /// Makes a key that may log in; `ssh-keygen` arguments.
    pub(crate) fn new_user_key(&self, args: &[&str]) -> UserKey {
        let path = self.dir.path().join(format!("user_{}", rand::random::<u64>()));
        keygen(&path, args);
        let key = UserKey { path };
        self.authorize(&key.public());
        key
    }

    /// This public key may log in from now on, and no other.
    pub(crate) fn authorize(&self, public_key: &str) {
        fs::write(self.dir.path().join("authorized_keys"), public_key).unwrap();
    }

    /// As the service announces it.
    pub(crate) fn host_key(&self) -> String {
        let public = fs::read_to_string(self.dir.path().join("host_key.pub")).unwrap();
        public.split(' ').take(2).collect::<Vec<_>>().join(" ").trim().to_owned()
    }

    /// What the service would hand out for that key.
    pub(crate) fn credentials(&self, key: &UserKey) -> Arc<SshCredentials> {
        self.credentials_with(key.private(), self.host_key())
    }

    pub(crate) fn credentials_with(
        &self,
        private_key: String,
        host_key: String,
    ) -> Arc<SshCredentials> {
        Arc::new(SshCredentials {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: run(Command::new("id").arg("-un")),
            private_key: Secret::new(private_key),
            host_key,
            generation: Generation(1),
        })
    }

    /// All that it wrote so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until it has written that.
    pub(crate) async fn logged(&mut self, text: &str) {
        self.log.wait_for(text).await;
    }

    /// Kills the processes of all sessions; the listener stays.
    pub(crate) fn kill_sessions(&self) {
        for pid in descendants(self.daemon.id()) {
            // An error says that it has just gone with its parent.
            let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
        }
    }

    /// Stops the processes of all sessions where they are, as a dead network would.
    pub(crate) fn freeze_sessions(&self) {
        for pid in descendants(self.daemon.id()) {
            // An error says that it has just gone: one whose client has not logged in.
            let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::STOP);
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill_sessions();
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }
}

/// A private key on disk, with its public half beside it.
pub(crate) struct UserKey {
    path: PathBuf,
}

impl UserKey {
    pub(crate) fn private(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    /// Rewrites it in place, as `ssh-keygen -m` does.
    pub(crate) fn convert(&self, format: &str) {
        let args = ["-q", "-p", "-N", "", "-m", format, "-f"];
        run(Command::new("ssh-keygen").args(args).arg(&self.path));
    }

    fn public(&self) -> String {
        fs::read_to_string(self.path.with_extension("pub")).unwrap()
    }
}

fn keygen(path: &Path, args: &[&str]) {
    run(Command::new("ssh-keygen").args(["-q", "-N", "", "-f"]).arg(path).args(args));
}

fn config(dir: &Path, port: u16) -> String {
    let dir = dir.display();
    format!(
        "ListenAddress 127.0.0.1:{port}
HostKey {dir}/host_key
AuthorizedKeysFile {dir}/authorized_keys
AuthenticationMethods publickey
PermitRootLogin prohibit-password
PidFile none
StrictModes no
UsePAM no
UseDNS no
LogLevel DEBUG1
"
    )
}

fn spawn(dir: &Path) -> (Child, Log) {
    let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/opt/homebrew/sbin/sshd"];
    let program = program.iter().find(|path| Path::new(path).exists()).unwrap();
    let mut daemon = Command::new(program)
        .args(["-D", "-e", "-f"])
        .arg(dir.join("config"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = Log::follow(daemon.stderr.take().unwrap());
    (daemon, log)
}

fn descendants(pid: u32) -> Vec<i32> {
    let listed = run(Command::new("ps").args(["-e", "-o", "pid=,ppid="]));
    let table: Vec<(u32, u32)> = listed
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap());
            Some((numbers.next()?, numbers.next()?))
        })
        .collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(table.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.into_iter().skip(1).map(|pid| i32::try_from(pid).unwrap()).collect()
}
