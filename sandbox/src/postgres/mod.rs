//! A real Postgres cluster with TLS: one database an add-on, as the service has one cluster an
//! add-on; for a client at the end of a tunnel there is no difference.

mod config;
pub(crate) mod roles;
mod sql;

pub(crate) use sql::{identifier, literal};

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::account::{Account, Owner};
use crate::find::Programs;
use crate::process::Server;
use crate::wait;

/// Rows of a simple query, as text.
pub type Rows = Vec<Vec<Option<String>>>;

const SUPERUSER: &str = "postgres";
/// From `postgres` to the first answered connection; a loaded CI machine takes its time.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// The cluster could not be made, started, stopped or asked.
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
    /// `initdb` said no.
    #[error("initdb failed: {0}")]
    Initdb(String),
    /// The TLS certificate.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// It ended or did not answer; its log's end.
    #[error("Postgres did not start: {0}")]
    NotStarted(String),
    /// A statement failed.
    #[error("{}", sql::describe(.0))]
    Sql(tokio_postgres::Error),
}

/// Not a `#[source]`: what Postgres said is the message already.
impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

#[derive(Debug)]
pub(crate) struct Cluster {
    programs: Programs,
    owner: Option<Owner>,
    /// Holds `data`, the socket and the log.
    dir: PathBuf,
    port: u16,
    /// Held while it is started or stopped, so that two never overlap.
    server: Mutex<Option<Server>>,
    pid: AtomicU32,
}

impl Cluster {
    /// Makes a new cluster under `dir`, not yet running.
    pub(crate) async fn create(
        programs: &Programs,
        account: &Account,
        dir: &Path,
        port: u16,
    ) -> Result<Self, Error> {
        let cluster = Self {
            programs: programs.clone(),
            owner: account.postgres,
            dir: dir.to_owned(),
            port,
            server: Mutex::new(None),
            pid: AtomicU32::new(0),
        };
        config::prepare_dir(dir, cluster.owner)
            .map_err(|source| Error::Io { what: "make Postgres' directory", source })?;
        cluster.initdb().await?;
        config::write(dir, port, cluster.owner)?;
        Ok(cluster)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The running postmaster.
    pub(crate) fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(self.dir.join("postgres.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns when it answers; at once when it runs already.
    pub(crate) async fn start(&self) -> Result<(), Error> {
        let mut server = self.server.lock().await;
        if server.is_some() {
            return Ok(());
        }
        let mut started = self.spawn()?;
        let ready = wait::until(START_PATIENCE, || started.has_ended() || self.says_ready());
        if ready.await.is_err() || started.has_ended() {
            return Err(Error::NotStarted(self.log_end()));
        }
        self.pid.store(started.pid(), Ordering::Relaxed);
        *server = Some(started);
        Ok(())
    }

    /// Ends all connections, then the server; returns when it is gone.
    pub(crate) async fn stop(&self) -> Result<(), Error> {
        let Some(server) = self.server.lock().await.take() else { return Ok(()) };
        self.pid.store(0, Ordering::Relaxed);
        // SIGINT is Postgres' fast shutdown.
        server.stop(Signal::INT).await.map_err(|source| Error::Io { what: "stop Postgres", source })
    }

    /// A simple query as superuser; rows of all its statements.
    pub(crate) async fn rows(&self, database: &str, query: &str) -> Result<Rows, Error> {
        Ok(sql::rows(&self.dir, self.port, SUPERUSER, database, query).await?)
    }

    async fn initdb(&self) -> Result<(), Error> {
        let mut command = Command::new(&self.programs.initdb);
        command
            .args(["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust"])
            .args(["--username", SUPERUSER, "--pgdata"])
            .arg(self.dir.join("data"))
            .current_dir(&self.dir);
        self.as_owner(&mut command);
        let output =
            command.output().await.map_err(|source| Error::Io { what: "run initdb", source })?;
        if output.status.success() {
            Ok(())
        } else {
            Err(Error::Initdb(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    }

    fn spawn(&self) -> Result<Server, Error> {
        let mut command = Command::new(&self.programs.postgres);
        command.arg("-D").arg(self.dir.join("data")).current_dir(&self.dir);
        self.as_owner(&mut command);
        self.log_file()
            .and_then(|log| Server::spawn(&mut command, log))
            .map_err(|source| Error::Io { what: "start Postgres", source })
    }

    /// What `pg_ctl --wait` looks at: the eighth line of the pid file, which a stopped server removes.
    fn says_ready(&self) -> bool {
        let file = std::fs::read_to_string(self.dir.join("data/postmaster.pid"));
        file.is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
    }

    fn as_owner(&self, command: &mut Command) {
        if let Some(owner) = self.owner {
            owner.run(command);
        }
    }

    fn log_file(&self) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(self.dir.join("postgres.log"))
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }
}
