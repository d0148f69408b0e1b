//! One session while it lives: what it owns, and how it looks from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use borealis_proto::{
    Access, Connections, Endpoint, ErrorCode, Identity, Reason, Renewed, Session, SessionId,
    SessionState,
};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::backends::Backends;
use super::condition::{Condition, Facts};
use super::database::Database;
use super::endpoint::Endpoint as LocalEndpoint;
use super::ephemeral::Holders;
use super::error::Error;
use super::memory::{Memory, Told};
use super::room::Room;
use super::wanted::Unsaved;
use super::whereabouts::Whereabouts;
use crate::credentials::Owner;
use crate::fault::Failure;
use crate::instant;
use crate::locked::Locked;
use crate::tasks::Tasks;
use crate::tunnel::{Channel, Company, Phase, Traffic, Tunnel, Why};

/// What tells one session from another: an add-on, on whose behalf, at which access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) owner: Owner,
    pub(super) access: Access,
}

impl Key {
    /// Stays the same over releases: the endpoint's port follows from it.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.owner.addon(), self.access)
    }
}

/// See the module.
pub(super) struct Live {
    pub(super) id: SessionId,
    pub(super) app: String,
    pub(super) attachment: String,
    pub(super) addon: String,
    pub(super) addon_id: String,
    pub(super) key: Key,
    pub(super) port: u16,
    pub(super) tunnel: Arc<Tunnel>,
    pub(super) database: Database,
    pub(super) whereabouts: Arc<Whereabouts>,
    /// Ends with its last hold, and is not in the state file.
    pub(super) ephemeral: AtomicBool,
    /// Guards who holds it, and that nobody comes to hold it once it ends.
    pub(super) holders: Locked<Holders>,
    pub(super) traffic: Traffic,
    pub(super) gauge: Gauge,
    pub(super) backends: Backends,
    pub(super) proved_at: Locked<Option<Timestamp>>,
    /// Something is known of the path that its watch should look at.
    pub(super) stirred: Notify,
    /// Cancelled: no new connections.
    pub(super) accepting: CancellationToken,
    /// Cancelled: no connections at all.
    pub(super) serving: CancellationToken,
    /// One task a connection.
    pub(super) connections: Tasks,
    /// Everything else that works for the session.
    pub(super) tasks: Tasks,
    pub(super) memory: Locked<Memory>,
    /// For its clients, and those of all other sessions.
    pub(super) room: Arc<Room>,
    /// Why what is wanted is not in the state file, if it is not.
    pub(super) unsaved: Unsaved,
    /// Somebody asked for its end: it is not wanted any more.
    pub(super) forgotten: AtomicBool,
    /// Bumped with every change that an event tells.
    pub(super) changes: watch::Sender<u64>,
}

/// Counts local clients.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    pub(super) open: AtomicU64,
    pub(super) waiting: AtomicU64,
    pub(super) total: AtomicU64,
}

impl Live {
    /// Looks at what it stands on, and tells the world if that made a difference.
    pub(super) fn observe(&self) {
        let mut memory = self.memory.lock();
        let tunnel = self.tunnel.status().borrow().clone();
        let database = self.database.status().borrow().clone();
        let condition = Condition::derive(&Facts {
            tunnel: &tunnel,
            database: &database,
            unbound: memory.unbound.as_ref(),
            unreachable: memory.unreachable.as_ref(),
            was_up: memory.was_up,
            closing: self.accepting.is_cancelled(),
        });
        let told = Told {
            generation: self.database.held().map(|held| held.generation),
            renewed: latest(tunnel.renewed, database.renewed),
            moved_to: self.whereabouts.moved_to(),
        };
        if condition == memory.shown && told == memory.told {
            return;
        }
        memory.told = told;
        let turned = condition.state != memory.shown.state;
        let came_up = turned && condition.state == SessionState::Up;
        if turned {
            memory.since = instant::now();
            memory.was_up |= came_up;
            memory.unproved = came_up;
            memory.unreachable = None;
            let reason = condition.reason.as_ref().map(|reason| reason.message.as_str());
            info!(session = %self.id, addon = self.addon, state = %condition.state, reason);
        }
        memory.shown = condition;
        drop(memory);
        self.changes.send_modify(|version| *version += 1);
    }

    /// Sets why the endpoint is not bound; `None`: it is.
    pub(super) fn set_unbound(&self, reason: Option<Reason>) {
        self.memory.lock().unbound = reason;
        self.observe();
    }

    /// As the API shows it.
    pub(super) fn show(&self) -> Session {
        self.observe();
        let memory = self.memory.lock();
        let held = self.database.held();
        Session {
            id: self.id.clone(),
            target: self.target(),
            app: self.app.clone(),
            attachment: self.attachment.clone(),
            addon: self.addon.clone(),
            addon_id: Some(self.addon_id.clone()),
            access: self.key.access,
            identity: self.identity(),
            ephemeral: self.ephemeral.load(Ordering::Relaxed),
            state: memory.shown.state,
            since: memory.since,
            reason: memory.shown.reason.clone().map(|reason| self.addressed(reason)),
            attempt: memory.shown.attempt,
            next_retry_at: memory.shown.next_retry_at.map(instant::whole_second),
            endpoint: self.endpoint(),
            database: held.as_ref().map(|held| held.database.clone()),
            user: held.as_ref().map(|held| held.user.clone()),
            connections: Connections {
                open: self.gauge.open.load(Ordering::Relaxed),
                waiting: self.gauge.waiting.load(Ordering::Relaxed),
                total: self.gauge.total.load(Ordering::Relaxed),
            },
            bytes: self.traffic.snapshot(),
            proved_at: *self.proved_at.lock(),
            unsaved: self.unsaved(),
            renewed: memory.told.renewed.clone(),
            moved_to: memory.told.moved_to.clone(),
        }
    }

    /// One that ends with its holder is never in the state file.
    fn unsaved(&self) -> Option<Reason> {
        let ephemeral = self.ephemeral.load(Ordering::Relaxed);
        self.unsaved.lock().clone().filter(|_| !ephemeral)
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint { host: "127.0.0.1".to_owned(), port: self.port, socket: None }
    }

    pub(super) fn target(&self) -> String {
        format!("{}/{}", self.app, self.attachment)
    }

    /// Rooms below do not know what to call a session: where they say TARGET, this one is meant;
    /// where they say ADDON, what is behind it, for commands that know no access.
    pub(super) fn address(&self, hint: &str) -> String {
        let addon = self.target();
        let target = format!("{addon}{}", self.key.access.flag());
        // Not one after the other: a name may have such a word in it.
        let parts: Vec<_> =
            hint.split("TARGET").map(|part| part.replace("ADDON", &addon)).collect();
        parts.join(&target)
    }

    /// The same for all that people are told.
    pub(super) fn addressed(&self, mut reason: Reason) -> Reason {
        reason.hint = reason.hint.map(|hint| self.address(&hint));
        reason
    }

    /// Why something that needs the session cannot be done now.
    pub(super) fn not_up(&self, failure: Failure) -> Error {
        Error::NotUp(self.addressed(failure.reason))
    }

    /// Whether these are the add-on's name or its UUID.
    pub(super) fn is_addon(&self, typed: &str) -> bool {
        [&self.addon, &self.addon_id].iter().any(|name| name.eq_ignore_ascii_case(typed))
    }

    pub(super) fn identity(&self) -> Identity {
        match self.key.owner {
            Owner::Personal { .. } => Identity::Personal,
            Owner::Application { .. } => Identity::Application,
        }
    }

    /// Somebody wants it now: whatever waits, tries.
    pub(super) async fn nudge(&self) {
        tokio::join!(self.tunnel.retry(Why::User), self.database.retry());
    }

    /// Waits until it is up, needs a person, or nothing more can happen before the deadline.
    pub(super) async fn settle(&self, patience: Duration) -> Session {
        let deadline = Instant::now() + patience;
        // A try that begins in the last second has no time to succeed.
        let latest = instant::after(patience.saturating_sub(Duration::from_secs(1)));
        let (mut tunnel, mut database) = (self.tunnel.status(), self.database.status());
        loop {
            tunnel.mark_unchanged();
            database.mark_unchanged();
            let session = self.show();
            let too_late = |due: Timestamp| latest.is_some_and(|latest| due > latest);
            // A half that is still trying would mix its answer into the next request's.
            let trying =
                [&tunnel, &database].iter().any(|half| half.borrow().phase == Phase::Working);
            let settled = match session.state {
                SessionState::Up | SessionState::Closing => true,
                SessionState::Blocked => !trying,
                SessionState::Opening | SessionState::Reconnecting | SessionState::Unknown => {
                    session.next_retry_at.is_some_and(too_late)
                }
            };
            if settled {
                return session;
            }
            tokio::select! {
                _ = tunnel.changed() => {}
                _ = database.changed() => {}
                () = tokio::time::sleep_until(deadline) => return self.show(),
            }
        }
    }

    /// A channel to this session's Postgres.
    pub(super) async fn channel(
        &self,
        company: Company,
        patience: Duration,
    ) -> Result<Channel, Error> {
        let deadline = Instant::now() + patience;
        let held =
            self.database.wait(patience).await.map_err(|failure| Error::NotUp(failure.reason))?;
        let rest = deadline.saturating_duration_since(Instant::now());
        Ok(self.tunnel.open(&held.host, held.port, company, rest).await?)
    }

    /// Starts what it cannot do without.
    pub(super) fn keep_up(self: &Arc<Self>, listener: Option<TcpListener>) {
        let (what, stop) = (self.target(), &self.accepting);
        let endpoint = LocalEndpoint::new(self.clone(), listener);
        self.tasks.keep(format!("the endpoint of {what}"), endpoint, stop.clone());
        let watched = self.clone();
        let watch = move || super::watch::watch(watched.clone());
        self.tasks.keep(format!("what watches {what}"), watch, stop.clone());
    }

    /// Fails once the session is on its way out.
    pub(super) fn check_open(&self) -> Result<(), Error> {
        if self.accepting.is_cancelled() { Err(Error::Closing) } else { Ok(()) }
    }
}

fn latest(one: Option<Renewed>, other: Option<Renewed>) -> Option<Renewed> {
    one.into_iter().chain(other).max_by_key(|renewed| renewed.at)
}

/// What to tell a client that cannot be served.
pub(super) fn refusal(live: &Live, error: &Error) -> Reason {
    let mut reason = live.addressed(error.reason());
    if reason.code == ErrorCode::Opening {
        reason.message = "the session is still on its way up".to_owned();
    }
    reason
}
