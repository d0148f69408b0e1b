//! The links beside the one that the supervisor keeps up: made when they are of use, with the same
//! credentials, and closed when they are not.
//!
//! They never decide anything. The tunnel is up while the supervisor's link is; what goes wrong
//! here is noted, and tried again later, and hurts nobody.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::pool;
use super::serving::{Serving, SharedLink, retire};
use super::supervisor::Command;
use super::traits::{ConnectError, Connector, Load};
use crate::credentials::Generation;
use crate::locked::Locked;
use crate::tasks::{Kept, Tasks};

/// A connection that is gone within this time needs no spare.
const SETTLE: Duration = Duration::from_millis(250);
/// How often idle links are looked at, while there are any.
const LOOK: Duration = Duration::from_secs(15);
/// How long a link that nobody uses is kept.
const KEEP: Duration = Duration::from_secs(60);
/// A server that refuses a further link is not asked again for so long …
const REFUSED: Duration = Duration::from_secs(10 * 60);
/// … and one that could not be reached, for so long.
const UNREACHED: Duration = Duration::from_secs(30);

/// No link is replaced for being worn more often than this.
const RENEW: Duration = Duration::from_secs(10 * 60);

/// What the keeper of the spares and those who open channels share.
pub(super) struct Shared {
    /// At most so many links, the supervisor's among them.
    most: usize,
    links: watch::Sender<Vec<SharedLink>>,
    /// A channel was opened.
    opened: Notify,
    /// Somebody waits for a link of its own.
    wanted: Notify,
    /// Guards until when the server is not asked for another link.
    barred: Locked<Option<Instant>>,
}

impl Shared {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            links: watch::Sender::default(),
            opened: Notify::new(),
            wanted: Notify::new(),
            barred: Locked::default(),
        }
    }

    /// The spares, as a watch.
    pub(super) fn links(&self) -> watch::Receiver<Vec<SharedLink>> {
        self.links.subscribe()
    }

    /// A channel was opened: perhaps a spare is missing now.
    pub(super) fn opened(&self) {
        self.opened.notify_one();
    }

    /// Somebody would rather wait for a further link.
    pub(super) fn want(&self) {
        self.wanted.notify_one();
    }

    /// Whether one more link beside these is of use, and may be had.
    pub(super) fn may_grow(&self, loads: &[Load]) -> bool {
        let barred = self.barred.lock().is_some_and(|until| Instant::now() < until);
        !barred && pool::wants_another(loads, self.most)
    }
}

/// The task.
pub(super) struct Spares {
    pub(super) name: String,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) primary: watch::Receiver<Option<Serving>>,
    pub(super) shared: Arc<Shared>,
    /// To the supervisor.
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) tasks: Tasks,
    pub(super) stop: CancellationToken,
}

/// What it remembers from one look to the next.
struct Memory {
    /// The supervisor's link, when the spares beside it were made.
    beside: Option<SharedLink>,
    /// With which key that was made.
    key: Option<Generation>,
    /// Since when each spare has been idle.
    idle: Vec<(SharedLink, Instant)>,
    /// When a worn link was last replaced.
    renewed: Option<Instant>,
}

impl Kept for Spares {
    fn run(&mut self) -> BoxFuture<'_, ()> {
        let run = async {
            let stop = self.stop.clone();
            stop.run_until_cancelled(self.tend()).await;
            let links = self.shared.links.send_replace(Vec::new());
            join_all(links.iter().map(|link| link.close())).await;
        };
        run.boxed()
    }
}

impl Spares {
    async fn tend(&mut self) {
        let shared = self.shared.clone();
        let mut memory = Memory { beside: None, key: None, idle: Vec::new(), renewed: None };
        loop {
            let some = !shared.links.borrow().is_empty();
            let settled = async {
                shared.opened.notified().await;
                tokio::time::sleep(SETTLE).await;
            };
            tokio::select! {
                () = shared.wanted.notified() => {}
                () = settled => {}
                changed = self.primary.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK), if some => {}
            }
            let Some(serving) = self.primary.borrow_and_update().clone() else {
                self.doubt();
                continue;
            };
            self.let_go(&mut memory, &serving);
            self.replace_worn(&mut memory, &serving);
            let loads = loads(&serving, &shared.links.borrow());
            if shared.may_grow(&loads) {
                self.make(&serving).await;
            }
        }
    }

    /// What took the supervisor's link may have taken the others too, and they do not know.
    fn doubt(&self) {
        for link in self.shared.links.borrow().iter() {
            self.tasks.spawn(link.probe().map(|_alive| ()));
        }
    }

    /// Parts with links that are dead, that are of an older time, or that nobody needs.
    fn let_go(&self, memory: &mut Memory, serving: &Serving) {
        let replaced = memory.beside.replace(serving.link.clone());
        let renewed = replaced.is_some_and(|old| !Arc::ptr_eq(&old, &serving.link));
        let mut links = self.shared.links.borrow().clone();
        links.retain(|link| link.is_alive());
        let generation = serving.credentials.generation;
        if memory.key.replace(generation).is_some_and(|old| old != generation) {
            // What was refused with the old key need not be with this one.
            *self.shared.barred.lock() = None;
        }
        if renewed {
            links.drain(..).for_each(|link| retire(&self.tasks, link, self.stop.clone()));
        }
        memory.note(&links);
        if let Some(surplus) = memory.surplus(&loads(serving, &links), &links) {
            debug!(tunnel = self.name, "a link that nobody uses is closed");
            links.retain(|link| !Arc::ptr_eq(link, &surplus));
            retire(&self.tasks, surplus, self.stop.clone());
        }
        self.shared.links.send_if_modified(|old| {
            let same = old.len() == links.len();
            *old = links;
            !same
        });
    }

    /// With the supervisor's link the others are replaced too, so one of them is reason enough.
    fn replace_worn(&self, memory: &mut Memory, serving: &Serving) {
        let lately = memory.renewed.is_some_and(|at| at.elapsed() < RENEW);
        let links = self.shared.links.borrow();
        if lately || !all(serving, &links).any(|link| link.is_worn()) {
            return;
        }
        info!(tunnel = self.name, "a link has had many clients that broke off: it is replaced");
        memory.renewed = Some(Instant::now());
        // Nobody waits for the outcome; a supervisor that is busy is asked again later.
        let (done, _outcome) = oneshot::channel();
        let _ = self.commands.try_send(Command::Replace { renew: false, done });
    }

    async fn make(&self, serving: &Serving) {
        match self.connector.connect(serving.credentials.clone()).await {
            Ok(link) => {
                debug!(tunnel = self.name, "a further link is ready");
                self.shared.links.send_modify(|links| links.push(link));
            }
            Err(error) => {
                info!(tunnel = self.name, %error, "no further link: connections share what there is");
                *self.shared.barred.lock() = Some(Instant::now() + rest_after(&error));
            }
        }
    }
}

impl Memory {
    fn note(&mut self, links: &[SharedLink]) {
        let idle = links.iter().filter(|link| pool::is_idle(&link.load())).map(|link| {
            let known = self.idle.iter().find(|(known, _)| Arc::ptr_eq(known, link));
            (link.clone(), known.map_or_else(Instant::now, |(_, since)| *since))
        });
        self.idle = idle.collect();
    }

    /// One that has been idle for long and is not the spare that should be ready. `loads` begins
    /// with the supervisor's link, then `links`.
    fn surplus(&self, loads: &[Load], links: &[SharedLink]) -> Option<SharedLink> {
        let tired = self.idle.iter().find(|(_, since)| since.elapsed() >= KEEP)?;
        let index = links.iter().position(|link| Arc::ptr_eq(link, &tired.0))?;
        let mut others = loads.to_vec();
        others.remove(index + 1);
        pool::has_spare(&others).then(|| tired.0.clone())
    }
}

fn rest_after(error: &ConnectError) -> Duration {
    match error {
        ConnectError::Unreachable { .. } | ConnectError::TimedOut { .. } => UNREACHED,
        ConnectError::Protocol { .. }
        | ConnectError::HostKeyChanged { .. }
        | ConnectError::KeyRefused { .. }
        | ConnectError::BadCredentials { .. } => REFUSED,
    }
}

fn loads(serving: &Serving, links: &[SharedLink]) -> Vec<Load> {
    all(serving, links).map(|link| link.load()).collect()
}

/// The supervisor's link first.
fn all<'a>(serving: &'a Serving, links: &'a [SharedLink]) -> impl Iterator<Item = &'a SharedLink> {
    std::iter::once(&serving.link).chain(links)
}
