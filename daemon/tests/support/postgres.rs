//! A Postgres of its own, in a directory of its own. It refuses to run as root, so root runs it as
//! the user `postgres`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::log::Log;
use super::{free_port, run};

/// Who may log in how; all have [`PASSWORD`].
const HBA: &str = "
local all all trust
host all trusted 127.0.0.1/32 trust
host all hashed 127.0.0.1/32 md5
host all clear 127.0.0.1/32 password
host all all 127.0.0.1/32 scram-sha-256
";
const ROLES: &str = "
create role scram login password 'pa ss\"wört';
create role clear login password 'pa ss\"wört';
create role trusted login;
set password_encryption = 'md5';
create role hashed login password 'pa ss\"wört';
";
pub(crate) const PASSWORD: &str = "pa ss\"wört";

/// Runs until dropped.
pub(crate) struct Postgres {
    pub(crate) port: u16,
    dir: TempDir,
    server: Child,
}

impl Postgres {
    pub(crate) async fn start(tls: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let data = dir.path().join("data");
        let owner = Owner::new(dir.path());
        let settings = ["-U", "admin", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        run(owner.command("initdb").args(settings).arg("-D").arg(&data));
        configure(&data, dir.path(), port, tls);
        let mut server = owner
            .command("postgres")
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = Log::follow(server.stderr.take().unwrap());
        log.wait_for("ready to accept connections").await;
        let postgres = Self { port, dir, server };
        postgres.psql(ROLES);
        postgres
    }

    /// Asks as the superuser, past the driver under test.
    pub(crate) fn psql(&self, sql: &str) -> String {
        let mut psql = Command::new(bin_dir().join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "admin", "-h"]);
        psql.arg(self.dir.path()).args(["-p", &self.port.to_string(), "-c", sql, "postgres"]);
        run(&mut psql)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Immediate shutdown: the processes of all connections go too.
        let pid = i32::try_from(self.server.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::QUIT).unwrap();
        self.server.wait().unwrap();
    }
}

/// Whom it runs as.
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn new(dir: &Path) -> Self {
        if !geteuid().is_root() {
            return Self(None);
        }
        let id = |flag| run(Command::new("id").args([flag, "postgres"])).parse().unwrap();
        let (uid, gid) = (id("-u"), id("-g"));
        chown(dir, Some(uid), Some(gid)).unwrap();
        Self(Some((uid, gid)))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(bin_dir().join(program));
        command.current_dir("/");
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
        command
    }
}

fn configure(data: &Path, dir: &Path, port: u16, tls: bool) {
    let mut settings = format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\n\
         fsync = off\nlc_messages = 'C'\n",
        dir.display(),
    );
    if tls {
        settings.push_str("ssl = on\n");
        certificate(data);
    }
    let file = data.join("postgresql.conf");
    let defaults = fs::read_to_string(&file).unwrap();
    fs::write(&file, defaults + &settings).unwrap();
    fs::write(data.join("pg_hba.conf"), HBA).unwrap();
}

/// Self-signed, expired never, for nobody in particular: as the service's.
fn certificate(data: &Path) {
    let (key, cert) = (data.join("server.key"), data.join("server.crt"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-nodes", "-subj", "/CN=nobody", "-keyout"]).arg(&key).arg("-out").arg(&cert);
    run(&mut openssl);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let owner = fs::metadata(data).unwrap();
    chown(&key, Some(owner.uid()), Some(owner.gid())).unwrap();
}

/// Debian keeps each version's programs away from the PATH.
fn bin_dir() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions.map(|entry| entry.unwrap().path().join("bin")).max();
    debian.unwrap_or_else(|| {
        let initdb = run(Command::new("sh").args(["-c", "command -v initdb"]));
        Path::new(&initdb).parent().unwrap().to_owned()
    })
}
