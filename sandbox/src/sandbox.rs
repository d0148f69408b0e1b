//! The handle that a test or the program holds.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::admin::Info;
use crate::fault::Fault;
use crate::find::Programs;
use crate::host::Host;
use crate::layout::{self, Layout};
use crate::options::Options;
#[cfg(target_os = "linux")]
use crate::postgres::roles::Access;
use crate::postgres::{Rows, literal};
use crate::relay::RelayStats;
use crate::requests::Request;
use crate::service::Service;
use crate::watchdog::Watchdog;
use crate::{find, postgres, sshd, world};

/// A sandbox could not be started, asked or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is not installed.
    #[error(transparent)]
    Missing(#[from] find::Missing),
    /// Its directory.
    #[error(transparent)]
    Dir(#[from] layout::Error),
    /// Something of the operating system.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// Postgres.
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    /// sshd.
    #[error(transparent)]
    Sshd(#[from] sshd::Error),
    /// A change to the world.
    #[error("cannot change the service's state")]
    World(#[from] world::Error),
    /// It was stopped, or panicked.
    #[error("the sandbox is gone")]
    Gone,
}

/// A running sandbox. Dropped without [`Sandbox::stop`], its servers end and its directory goes a
/// moment later.
pub struct Sandbox {
    service: Arc<Service>,
    // In this order: the host's tasks go first, then the watchdog sees the end.
    host: Host,
    watchdog: Watchdog,
}

impl Sandbox {
    /// Starts all of it, on a thread of its own.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let programs = Programs::find()?;
        let layout = Layout::create(options.dir.clone())?;
        let host = Host::start().map_err(Error::io("start a thread"))?;
        let dir = layout.dir().to_owned();
        let watchdog = host.run(async move { Watchdog::start(&dir) }).await?;
        let watchdog = watchdog.map_err(Error::io("start the watchdog"))?;
        let service = host.run(Service::start(options, programs, layout)).await??;
        Ok(Self { service, host, watchdog })
    }

    /// Ends all of it and removes the directory.
    pub async fn stop(self) -> Result<(), Error> {
        let service = Arc::clone(&self.service);
        let stopped = self.host.run(async move { service.stop().await }).await?;
        let dir = self.dir().to_owned();
        let removed = tokio::fs::remove_dir_all(&dir).await;
        let watchdog = self.watchdog;
        let dismissed = self.host.run(watchdog.dismiss()).await?;
        stopped?;
        removed.map_err(Error::io("remove the sandbox's directory"))?;
        dismissed.map_err(Error::io("end the watchdog"))
    }

    /// Makes something go wrong; returns when it has.
    pub async fn fault(&self, fault: Fault) -> Result<(), Error> {
        let service = Arc::clone(&self.service);
        Ok(self.host.run(async move { service.apply(fault).await }).await??)
    }

    /// What points a client, a daemon and this crate's command line at this sandbox.
    pub fn environment(&self) -> Vec<(String, String)> {
        let layout = &self.service.layout;
        let path = |path: std::path::PathBuf| path.display().to_string();
        [
            ("HEROKU_HOST", self.heroku_url()),
            ("BOREALIS_PG_API_BASE_URL", self.borealis_url()),
            ("HEROKU_API_KEY", self.api_key()),
            ("BOREALIS_SANDBOX", self.service.admin_url()),
            ("BOREALIS_SOCKET", path(layout.socket())),
            ("BOREALIS_STATE_DIR", path(layout.state())),
            ("BOREALIS_CONFIG", path(layout.config())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Base URL of the Heroku API.
    pub fn heroku_url(&self) -> String {
        self.service.heroku_url()
    }

    /// Base URL of the Borealis API.
    pub fn borealis_url(&self) -> String {
        self.service.borealis_url()
    }

    /// The first accepted Heroku login.
    pub fn api_key(&self) -> String {
        self.service.api_keys.first().cloned().unwrap_or_default()
    }

    /// What the account has on an add-on, with write access.
    #[cfg(target_os = "linux")]
    pub(crate) async fn personal(&self, addon: &str) -> Result<Personal, Error> {
        let (service, addon) = (Arc::clone(&self.service), addon.to_owned());
        Ok(self.host.run(async move { service.personal(&addon).await }).await??)
    }

    /// Where all files are.
    pub fn dir(&self) -> &Path {
        self.service.layout.dir()
    }

    /// Ports, process ids, counts.
    pub fn info(&self) -> Info {
        self.service.info()
    }

    /// What the APIs were asked since the start or the last clear, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.service.requests.list()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.service.requests.clear();
    }

    /// How many requests had this method and a path that contains `path`.
    pub fn count(&self, method: &str, path: &str) -> usize {
        let matches = |one: &&Request| one.method == method && one.path.contains(path);
        self.requests().iter().filter(matches).count()
    }

    /// Short-lived authorizations that were created and not deleted.
    pub fn outstanding_authorizations(&self) -> usize {
        self.service.authorizations.outstanding().len()
    }

    /// The same, by id, with the moment when each was made.
    pub(crate) fn authorizations(&self) -> BTreeMap<String, Timestamp> {
        self.service.authorizations.outstanding()
    }

    /// A simple query as superuser in `d1` … `d5`; all values as text.
    pub async fn sql(&self, database: &str, sql: &str) -> Result<Rows, Error> {
        let (service, database, sql) =
            (Arc::clone(&self.service), database.to_owned(), sql.to_owned());
        Ok(self.host.run(async move { service.cluster.rows(&database, &sql).await }).await??)
    }

    /// Client connections that Postgres has open for users whose name starts with this: `p_` for
    /// personal ones, `app_` for the application's.
    pub async fn backends(&self, user_prefix: &str) -> Result<usize, Error> {
        let sql = format!(
            "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' \
             AND starts_with(usename, {})",
            literal(user_prefix)
        );
        Ok(self.sql("postgres", &sql).await?.len())
    }

    /// Connections that are open in the relay.
    pub fn ssh_connections(&self) -> usize {
        self.relay_stats().open
    }

    /// Six ports that no other sandbox and no daemon takes unasked.
    pub fn endpoints(&self) -> &[u16] {
        &self.service.endpoints
    }

    /// What went through the relay so far.
    pub fn relay_stats(&self) -> RelayStats {
        self.service.relay.stats()
    }

    /// sshd's log so far, at level VERBOSE: `Connection from`, `Accepted publickey`, ….
    pub fn sshd_log(&self) -> String {
        self.service.sshd.log()
    }

    /// Postgres' log so far.
    pub fn postgres_log(&self) -> String {
        self.service.cluster.log()
    }

    /// Every secret handed out so far: lines of private keys, tokens, and the letters and digits
    /// that each password starts with (what follows them reads differently in a URL or a shell).
    pub fn secrets(&self) -> Vec<String> {
        self.service.secrets.all()
    }
}

/// How to get to an add-on by hand.
#[cfg(target_os = "linux")]
pub(crate) struct Personal {
    pub(crate) ssh_user: String,
    pub(crate) ssh_port: u16,
    pub(crate) ssh_key: crate::keys::KeyPair,
    /// `TYPE BASE64`.
    pub(crate) host_key: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: String,
}

#[cfg(target_os = "linux")]
impl Service {
    async fn personal(&self, addon: &str) -> Result<Personal, world::Error> {
        let (database, login) = self.world.personal_login(addon, Access::ReadWrite).await?;
        Ok(Personal {
            ssh_user: self.world.ssh_username().to_owned(),
            ssh_port: self.world.ssh_address().1,
            ssh_key: self.world.personal_ssh_key(addon).await?,
            host_key: self.sshd.announced_host_key(),
            port: self.cluster.port(),
            database,
            user: login.name,
            password: login.password,
        })
    }
}

/// Without what is inside: there are tokens in it.
impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("dir", &self.dir()).finish_non_exhaustive()
    }
}

impl Error {
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

impl From<crate::host::Gone> for Error {
    fn from(_: crate::host::Gone) -> Self {
        Self::Gone
    }
}
