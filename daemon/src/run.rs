//! The daemon from its first step to its last, in order.

mod surroundings;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::addon::Addons;
use crate::borealis::Borealis;
use crate::config::Config;
use crate::control::{self, ControlState, Facts, Handed, ListenError, Listener, Stand};
use crate::credentials::{Apis, Vault};
use crate::doctor::{self, Doctor};
use crate::heroku::{Heroku, Keystore, Login, NetrcFiles};
use crate::platform::{self, Beat, DaemonLock, DirError, LockError, Notices, ProgramFile};
use crate::session::{Manager, Parts, Passfile};
use crate::ssh::SshConnector;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::{http, store};

/// How long running connections may go on when the daemon is told to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// How long what is left (authorizations to delete, answers to finish) may take after that.
const LAST_WORK: Duration = Duration::from_secs(10);

/// Why the daemon does not serve.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A directory cannot be trusted.
    #[error("the state directory is not safe")]
    Dir(#[from] DirError),
    /// Another daemon serves, or the lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// No control socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Http(#[from] http::Error),
}

impl RunError {
    /// Another daemon that serves is what was wanted: 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lock(LockError::Held { .. }) => 0,
            Self::Dir(_) | Self::Listen(_) | Self::Http(_) => 1,
            Self::Lock(LockError::Io { .. } | LockError::Dir(_)) => 1,
        }
    }
}

/// Serves until `shutdown` is cancelled.
///
/// # Errors
/// When it could not begin to.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), RunError> {
    let program = ProgramFile::ours();
    platform::private_dir(&config.paths.state_dir)?;
    // First of all: everything below belongs to whoever holds it.
    let lock = Arc::new(DaemonLock::acquire(&config.paths.lock_file())?);
    info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "borealisd starts");
    let listener = Listener::bind(&config.paths.socket, &lock).await?;

    let tracker = TaskTracker::new();
    let notices = Notices::default();
    config.troubles.iter().for_each(|trouble| notices.add(trouble));
    let login = Arc::new(Login::new(
        config.heroku_key.clone(),
        vec![
            Box::new(Keystore::new(config.login_file.clone())),
            Box::new(NetrcFiles::new(config.netrc.clone(), &config.heroku)),
        ],
    ));
    let Built { manager, addons, doctor, vault, wanted } =
        build(&config, &login, &tracker, &notices)?;

    // Beside `shutdown` and not below it: what is running then has the drain's time to end.
    let serving = CancellationToken::new();
    let rooms = (&manager, addons, doctor);
    let surroundings = (program, notices.clone());
    let state = control_state(&config, rooms, login.clone(), &tracker, surroundings, &shutdown);
    manager.restore(wanted).await;
    let daemon = Tasks::new(&tracker).telling(move |fault| notices.add(fault));
    if let Some(passfile) = Passfile::beside(&config.paths.socket) {
        let (manager, serving) = (manager.clone(), serving.clone());
        let keep = move || passfile.clone().keep(manager.clone(), serving.clone());
        daemon.keep("what keeps the password file", keep, shutdown.clone());
    }
    let beat = Beat::start();
    let (leave, cancel) = (shutdown.clone(), serving.clone());
    let stand = Stand { lock: lock.clone(), beat, leave, cancel, tasks: tracker.clone() };
    daemon.spawn(control::serve(listener, state, stand));
    let (watching, placed, stop) = (manager.clone(), lock.clone(), shutdown.clone());
    let watch = move || {
        surroundings::watch(watching.clone(), login.clone(), placed.clone(), beat, stop.clone())
    };
    daemon.keep("what watches the machine", watch, shutdown.clone());
    platform::ready("serving");

    shutdown.cancelled().await;
    platform::stopping();
    info!("stopping");
    manager.shut_down(DRAIN).await;
    // Requests that wait for a session have their answer now.
    serving.cancel();
    daemon.join().await;
    if tokio::time::timeout(LAST_WORK, vault.finish()).await.is_err() {
        warn!("left with unfinished requests to the service");
    }
    tracker.close();
    if tokio::time::timeout(LAST_WORK, tracker.wait()).await.is_err() {
        warn!(tasks = tracker.len(), "left with unfinished tasks");
    }
    info!("borealisd is gone");
    // Last of all, after our socket is gone: a successor must not lose its own.
    drop(lock);
    Ok(())
}

struct Built {
    manager: Manager,
    addons: Addons,
    doctor: Doctor,
    vault: Arc<Vault>,
    wanted: Vec<store::WantedSession>,
}

fn build(
    config: &Config,
    login: &Arc<Login>,
    tracker: &TaskTracker,
    notices: &Notices,
) -> Result<Built, RunError> {
    let client = http::client(&[&config.heroku, &config.borealis])?;
    let heroku = Heroku::new(client.clone(), config.heroku.clone(), login.clone());
    let borealis = Borealis::new(client, config.borealis.clone());
    let apis = Apis::new(heroku.clone(), borealis.clone());
    let told = notices.clone();
    let tasks = Tasks::new(tracker).telling(move |fault| told.add(fault));
    let vault = Arc::new(Vault::new(Arc::new(apis), config.renew, tasks.group()));
    let addons = Addons::new(heroku.clone(), borealis.clone(), vault.clone());
    let loaded = Store::load(&config.paths.state_file());
    if let Some(notice) = loaded.notice {
        notices.add(notice);
    }
    let manager = Manager::new(Parts {
        heroku: Arc::new(heroku.clone()),
        vault: vault.clone(),
        connector: Arc::new(SshConnector::new(tasks)),
        links: config.links,
        clients: platform::room_for_clients(),
        store: loaded.store,
        notices: notices.clone(),
        tasks: tracker.clone(),
    });
    let doctor = Doctor::new(doctor::Parts {
        login: login.clone(),
        heroku,
        borealis,
        vault: vault.clone(),
        manager: manager.clone(),
        notices: notices.clone(),
        state_dir: config.paths.state_dir.clone(),
    });
    Ok(Built { manager, addons, doctor, vault, wanted: loaded.sessions })
}

fn control_state(
    config: &Config,
    (manager, addons, doctor): (&Manager, Addons, Doctor),
    login: Arc<Login>,
    tracker: &TaskTracker,
    (program, notices): (ProgramFile, Notices),
    shutdown: &CancellationToken,
) -> ControlState {
    let waking = manager.clone();
    let tracker = tracker.clone();
    ControlState {
        manager: manager.clone(),
        addons,
        doctor,
        facts: Arc::new(Facts {
            started_at: Timestamp::now(),
            started: Instant::now(),
            program: Arc::new(program),
            socket: config.paths.socket.display().to_string(),
            state_file: config.paths.state_file().display().to_string(),
            log: config.log.clone(),
            passfile: Passfile::beside(&config.paths.socket).map(|file| file.shown()),
            tasks: Arc::new(move || tracker.len()),
            notices,
        }),
        hand_over: Arc::new(move |handed| {
            let news = match handed {
                Handed::Key(key) => login.hand_over(key),
                Handed::TwoFactorCode(code) => login.hand_over_code(code),
            };
            let waking = waking.clone();
            Box::pin(async move {
                if news {
                    waking.login_changed().await;
                }
            })
        }),
        shutdown: shutdown.clone(),
    }
}
