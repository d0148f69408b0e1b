//! All sessions of the daemon, and the way to each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use borealis_proto::{Credentials, ErrorCode, Session, SessionId, SessionList, Target};
use tokio::sync::{MutexGuard, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::Error;
use super::live::Live;
use super::room::Room;
use super::tunnels::Tunnels;
use super::wanted::{Unsaved, Writing};
use crate::credentials::Vault;
use crate::heroku::{self, Attached, Heroku};
use crate::locked::Locked;
use crate::platform::Notices;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::tunnel::{Connector, Why};

/// Targets that Heroku is asked about at once. Dozens more would save no time and cost memory.
const ASKING: usize = 4;

/// What a manager is made of.
pub struct Parts {
    /// Resolves targets.
    pub heroku: Arc<Heroku>,
    /// Mints and holds credentials.
    pub vault: Arc<Vault>,
    /// Makes links.
    pub connector: Arc<dyn Connector>,
    /// Links that a tunnel may have.
    pub links: usize,
    /// Local clients that may be connected at once.
    pub clients: usize,
    /// Keeps what is wanted.
    pub store: Store,
    /// Hears of things that somebody should know.
    pub notices: Notices,
    /// Counts the daemon's tasks.
    pub tasks: TaskTracker,
}

/// The answer to [`Manager::open`].
#[derive(Debug)]
pub struct Opened {
    /// As it is now.
    pub session: Session,
    /// It was not open before.
    pub new: bool,
}

/// The handle; clones are the same manager.
#[derive(Clone)]
pub struct Manager(Arc<Inner>);

struct Inner {
    heroku: Arc<Heroku>,
    vault: Arc<Vault>,
    store: Store,
    notices: Notices,
    tunnels: Tunnels,
    tasks: Tasks,
    changes: watch::Sender<u64>,
    /// Guards which sessions are open.
    sessions: Locked<BTreeMap<SessionId, Arc<Live>>>,
    /// Held while Heroku is asked what a target means: many are asked about at once, and not all.
    asking: tokio::sync::Semaphore,
    /// Held while a session is looked for and made, so that two askers never make two of it.
    opening: tokio::sync::Mutex<()>,
    /// Held while the state file is written.
    writing: Writing,
    room: Arc<Room>,
    /// Why what is wanted is not in the state file, if it is not. Shared with the sessions.
    unsaved: Unsaved,
    /// Cancelled: the daemon ends, and nothing is tried again.
    closing: CancellationToken,
}

impl Manager {
    /// A manager without sessions.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let told = parts.notices.clone();
        let tasks = Tasks::new(&parts.tasks).telling(move |fault| told.add(fault));
        let room = Room::new(parts.clients, parts.notices.clone());
        Self(Arc::new(Inner {
            tunnels: Tunnels::new(parts.vault.clone(), parts.connector, parts.links, tasks.group()),
            heroku: parts.heroku,
            vault: parts.vault,
            store: parts.store,
            notices: parts.notices,
            tasks,
            changes: watch::Sender::new(1),
            sessions: Locked::default(),
            asking: tokio::sync::Semaphore::new(ASKING),
            opening: tokio::sync::Mutex::default(),
            writing: Writing::default(),
            room: Arc::new(room),
            unsaved: Unsaved::default(),
            closing: CancellationToken::new(),
        }))
    }

    /// All sessions, by target and access.
    #[must_use]
    pub fn list(&self) -> SessionList {
        let version = *self.0.changes.borrow();
        let mut sessions: Vec<Session> = self.sessions().iter().map(|live| live.show()).collect();
        sessions.sort_by(|a, b| {
            (&a.app, &a.attachment, a.access, &a.id).cmp(&(&b.app, &b.attachment, b.access, &b.id))
        });
        SessionList { version, sessions }
    }

    /// All sessions, once something is different from what `seen` was, or patience is over.
    pub async fn list_after(&self, seen: u64, patience: Duration) -> SessionList {
        let mut changes = self.changes();
        // Late is an answer too: the list as it is.
        let _ = tokio::time::timeout(patience, changes.wait_for(|now| *now != seen)).await;
        self.list()
    }

    /// The version of the list, as a watch.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// One session.
    ///
    /// # Errors
    /// When there is no such session.
    pub fn get(&self, id: &SessionId) -> Result<Session, Error> {
        Ok(self.find(id)?.show())
    }

    /// What a client needs to log in. The password was seen to work a moment ago, or is all that
    /// can be had.
    ///
    /// # Errors
    /// When there is no such session, or no credentials within `wait`.
    pub async fn credentials(&self, id: &SessionId, wait: Duration) -> Result<Credentials, Error> {
        let live = self.find(id)?;
        let held = live.proved_login(wait).await?;
        Ok(Credentials {
            endpoint: live.endpoint(),
            database: held.database.clone(),
            user: held.user.clone(),
            password: held.password.expose().clone(),
        })
    }

    /// The machine woke up: look at every link now.
    pub async fn wake(&self) {
        self.sessions().iter().for_each(|live| live.database.press(Why::Wake));
        let tunnels = self.0.tunnels.all();
        futures_util::future::join_all(tunnels.iter().map(|tunnel| tunnel.retry(Why::Wake))).await;
    }

    /// The sessions that can do nothing until somebody logs in to Heroku.
    #[must_use]
    pub fn who_waits_for_login(&self) -> BTreeSet<SessionId> {
        self.waiting_for_login().iter().map(|live| live.id.clone()).collect()
    }

    pub(super) fn waiting_for_login(&self) -> Vec<Arc<Live>> {
        let waits = |live: &Arc<Live>| {
            use ErrorCode::{LoginRequired, TwoFactorRequired};
            let reason = live.show().reason;
            reason.is_some_and(|reason| matches!(reason.code, LoginRequired | TwoFactorRequired))
        };
        self.sessions().into_iter().filter(waits).collect()
    }

    /// There is another Heroku login: whoever waited for one, tries.
    pub async fn login_changed(&self) {
        let waiting = self.waiting_for_login();
        futures_util::future::join_all(waiting.iter().map(|live| live.nudge())).await;
    }
}

// For the other files of this room.
impl Manager {
    pub(super) fn find(&self, id: &SessionId) -> Result<Arc<Live>, Error> {
        self.0.sessions.lock().get(id).cloned().ok_or_else(|| Error::NotFound(id.clone()))
    }

    pub(super) fn sessions(&self) -> Vec<Arc<Live>> {
        self.0.sessions.lock().values().cloned().collect()
    }

    pub(super) fn insert(&self, live: Arc<Live>) {
        self.0.sessions.lock().insert(live.id.clone(), live);
        self.0.changes.send_modify(|version| *version += 1);
    }

    /// Whether it was still there.
    pub(super) fn remove(&self, id: &SessionId) -> bool {
        let removed = self.0.sessions.lock().remove(id).is_some();
        self.0.changes.send_modify(|version| *version += 1);
        removed
    }

    /// What a target means, by Heroku's word.
    pub(super) async fn resolve(&self, target: &Target) -> Result<Attached, heroku::Error> {
        // Never closed.
        let _turn = self.0.asking.acquire().await;
        self.0.heroku.resolve(target).await
    }

    pub(super) async fn opening(&self) -> MutexGuard<'_, ()> {
        self.0.opening.lock().await
    }

    pub(super) fn writing(&self) -> &Writing {
        &self.0.writing
    }

    pub(super) fn unsaved(&self) -> &Unsaved {
        &self.0.unsaved
    }

    pub(super) fn room(&self) -> &Arc<Room> {
        &self.0.room
    }

    pub(super) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    pub(super) async fn stop_tasks(&self) {
        self.0.closing.cancel();
        self.0.tasks.join().await;
    }

    pub(super) fn heroku(&self) -> &Arc<Heroku> {
        &self.0.heroku
    }

    pub(super) fn vault(&self) -> &Arc<Vault> {
        &self.0.vault
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn notices(&self) -> &Notices {
        &self.0.notices
    }

    pub(super) fn tunnels(&self) -> &Tunnels {
        &self.0.tunnels
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    pub(super) fn changes_sender(&self) -> watch::Sender<u64> {
        self.0.changes.clone()
    }
}
