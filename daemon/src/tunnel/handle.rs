//! The handle on a tunnel: what sessions hold, while the supervisor works behind it.

use std::sync::Arc;
use std::time::Duration;

use borealis_proto::ErrorCode;
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::pool;
use super::serving::{Serving, SharedLink};
use super::spares::{Shared, Spares};
use super::state::Why;
use super::status::{Phase, Status};
use super::supervisor::{Command, DEMAND_EVERY, Published, Supervisor, closing};
use super::traits::{Channel, Connector, KeySource, Load, OpenError};
use super::wary::Wary;
use crate::fault::{Failure, Fault};
use crate::tasks::Tasks;

/// Commands in flight; whoever sends waits while it is full.
const COMMANDS: usize = 16;
/// How long a new connection waits for a link of its own before it joins others.
const ALONE: Duration = Duration::from_millis(500);

/// Why no channel could be had.
#[derive(Debug, thiserror::Error)]
pub enum NoChannel {
    /// The tunnel is not up, and this is why.
    #[error("the tunnel is down: {}", .0.reason.message)]
    Down(Box<Failure>),
    /// The tunnel is up; the way from the SSH server to Postgres is not.
    #[error(transparent)]
    Refused(OpenError),
}

/// With whom a new channel shares its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// With nobody, if that can be had soon: it may carry much, or wait for long.
    Alone,
    /// With anybody: it carries a few bytes and is gone.
    Any,
}

/// The handle on a tunnel.
pub struct Tunnel {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<Status>,
    primary: watch::Receiver<Option<Serving>>,
    spares: Arc<Shared>,
    stop: CancellationToken,
    tasks: Tasks,
}

impl Tunnel {
    /// Starts the supervisor, and the keeper of up to `most` links. `name` is for the log.
    pub fn start(
        name: String,
        keys: Arc<dyn KeySource>,
        connector: Arc<dyn Connector>,
        most: usize,
        tasks: Tasks,
    ) -> Self {
        // The supervisor receives; handles send, and wait while it is full.
        let (commands, received) = mpsc::channel(COMMANDS);
        let (status_out, status) = watch::channel(Status::new());
        let (primary_out, primary) = watch::channel(None);
        let (stop, spares) = (CancellationToken::new(), Arc::new(Shared::new(most)));
        let connector = Wary::new(connector);
        let keeper = Spares {
            name: name.clone(),
            connector: connector.heeding(),
            primary: primary.clone(),
            shared: spares.clone(),
            commands: commands.clone(),
            tasks: tasks.clone(),
            stop: stop.clone(),
        };
        tasks.keep(format!("what keeps further links to {name}"), keeper, stop.clone());
        let published = Published { status: status_out, link: primary_out };
        let what = format!("what keeps the tunnel to {name} up");
        let supervisor = Supervisor::new(
            name,
            keys,
            Arc::new(connector),
            tasks.clone(),
            published,
            received,
            stop.clone(),
        );
        tasks.keep(what, supervisor, stop.clone());
        Self { commands, status, primary, spares, stop, tasks }
    }

    /// What it is doing, as a watch.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Try now, if there is something to try. Returns when the try is under way.
    pub async fn retry(&self, why: Why) {
        if why == Why::Wake {
            for link in self.alive() {
                self.tasks.spawn(link.probe().map(|_alive| ()));
            }
        }
        let (heard, effect) = oneshot::channel();
        // A supervisor that has gone needs no advice.
        let _ = self.commands.send(Command::Retry { why, heard: Some(heard) }).await;
        let _ = effect.await;
    }

    /// Makes a new link, then retires the old one; with `renew`, with new credentials.
    ///
    /// # Errors
    /// The failure that stood in the way. A link that served goes on serving.
    pub async fn replace(&self, renew: bool) -> Result<(), Failure> {
        let (done, result) = oneshot::channel();
        let _ = self.commands.send(Command::Replace { renew, done }).await;
        result.await.unwrap_or_else(|_gone| Err(closing()))
    }

    /// Opens a channel, waiting at most `patience` for the tunnel to be up.
    ///
    /// # Errors
    /// When the tunnel is blocked (at once), still down at the end, or cannot reach Postgres.
    pub async fn open(
        &self,
        host: &str,
        port: u16,
        company: Company,
        patience: Duration,
    ) -> Result<Channel, NoChannel> {
        let deadline = Instant::now() + patience;
        loop {
            let link = self.link_before(company, deadline).await?;
            let opened = timeout_at(deadline, link.open(host, port)).await;
            let opened = opened.unwrap_or(Err(OpenError::TimedOut));
            self.spares.opened();
            match opened {
                Ok(channel) => return Ok(channel),
                // The link was dead already; its successor will do.
                Err(OpenError::LinkLost) if Instant::now() < deadline => {}
                Err(error) => return Err(NoChannel::Refused(error)),
            }
        }
    }

    /// Ends the link with all its channels. Resolves when nothing of the tunnel is left.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.join().await;
    }

    /// Links that work, the supervisor's first.
    fn alive(&self) -> Vec<SharedLink> {
        let primary = self.primary.borrow().clone().map(|serving| serving.link);
        let spares = self.spares.links().borrow().clone();
        let links = primary.into_iter().chain(spares);
        links.filter(|link| link.is_alive()).collect()
    }

    /// The link for a new connection, once there is one that serves it at once.
    async fn link_before(
        &self,
        company: Company,
        deadline: Instant,
    ) -> Result<SharedLink, NoChannel> {
        let (mut primary, mut spares) = (self.primary.clone(), self.spares.links());
        let mut status = self.status.clone();
        let alone_by = match company {
            Company::Alone => deadline.min(Instant::now() + ALONE),
            Company::Any => Instant::now(),
        };
        loop {
            primary.mark_unchanged();
            spares.mark_unchanged();
            status.mark_unchanged();
            let links = self.alive();
            if let Some(link) = self.choose(&links, alone_by) {
                return Ok(link);
            }
            let over = Instant::now() >= deadline;
            if links.is_empty() {
                let now = status.borrow().clone();
                if over || matches!(now.phase, Phase::Blocked | Phase::Ended) {
                    return Err(NoChannel::Down(Box::new(now.failure.unwrap_or_else(not_yet))));
                }
                // A full queue has advice enough.
                let _ = self.commands.try_send(Command::Retry { why: Why::Demand, heard: None });
            } else if over {
                return Err(NoChannel::Down(Box::new(held_up())));
            }
            let tick = deadline.min(Instant::now() + DEMAND_EVERY);
            tokio::select! {
                _ = primary.changed() => {}
                _ = spares.changed() => {}
                _ = status.changed() => {}
                () = tokio::time::sleep_until(tick) => {}
            }
        }
    }

    /// The best of these links. One that others use is only taken when another cannot be had, or
    /// not soon.
    fn choose(&self, links: &[SharedLink], alone_by: Instant) -> Option<SharedLink> {
        let loads: Vec<Load> = links.iter().map(|link| link.load()).collect();
        let best = pool::idlest(&loads)?;
        let (link, load) = (links.get(best)?, loads.get(best)?);
        let better_comes = Instant::now() < alone_by && self.spares.may_grow(&loads);
        if !load.stalled && (pool::is_idle(load) || !better_comes) {
            return Some(link.clone());
        }
        self.spares.want();
        None
    }
}

fn held_up() -> Failure {
    let message = "every SSH connection waits for a client that does not read";
    Failure::new(Fault::Transient, ErrorCode::LinkLost, message)
        .hint("end the client that has stopped reading, or allow more `links` in config.toml")
}

fn not_yet() -> Failure {
    Failure::new(Fault::Transient, ErrorCode::Opening, "the tunnel is not up yet")
}
