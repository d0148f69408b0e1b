//! The handle on a tunnel: what sessions hold, while the supervisor works behind it.

use std::sync::Arc;
use std::time::Duration;

use borealis_proto::ErrorCode;
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::state::Why;
use super::status::{Phase, Status};
use super::supervisor::{Command, DEMAND_EVERY, Published, SharedLink, Supervisor, closing};
use super::traits::{Channel, Connector, KeySource, OpenError};
use crate::fault::{Failure, Fault};
use crate::tasks::Tasks;

/// Commands in flight; whoever sends waits while it is full.
const COMMANDS: usize = 16;

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

/// The handle on a tunnel.
pub struct Tunnel {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<Status>,
    link: watch::Receiver<Option<SharedLink>>,
    stop: CancellationToken,
    tasks: Tasks,
}

impl Tunnel {
    /// Starts the supervisor. `name` is for the log.
    pub fn start(
        name: String,
        keys: Arc<dyn KeySource>,
        connector: Arc<dyn Connector>,
        tasks: Tasks,
    ) -> Self {
        // The supervisor receives; handles send, and wait while it is full.
        let (commands, received) = mpsc::channel(COMMANDS);
        let (status_out, status) = watch::channel(Status::new());
        let (link_out, link) = watch::channel(None);
        let stop = CancellationToken::new();
        let published = Published { status: status_out, link: link_out };
        let supervisor =
            Supervisor::new(name, keys, connector, tasks.clone(), published, stop.clone());
        tasks.spawn(supervisor.run(received));
        Self { commands, status, link, stop, tasks }
    }

    /// What it is doing, as a watch.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Try now, if there is something to try. Returns when the try is under way.
    pub async fn retry(&self, why: Why) {
        if why == Why::Wake
            && let Some(link) = self.alive()
        {
            let probe = link.probe();
            self.tasks.spawn(probe.map(|_alive| ()));
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
        patience: Duration,
    ) -> Result<Channel, NoChannel> {
        let deadline = Instant::now() + patience;
        loop {
            let link = self.alive_before(deadline).await?;
            match link.open(host, port).await {
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

    fn alive(&self) -> Option<SharedLink> {
        self.link.borrow().clone().filter(|link| link.is_alive())
    }

    async fn alive_before(&self, deadline: Instant) -> Result<SharedLink, NoChannel> {
        let mut links = self.link.clone();
        let mut status = self.status.clone();
        loop {
            links.mark_unchanged();
            status.mark_unchanged();
            if let Some(link) = self.alive() {
                return Ok(link);
            }
            let now = status.borrow().clone();
            let over = matches!(now.phase, Phase::Blocked | Phase::Ended);
            if over || Instant::now() >= deadline {
                return Err(NoChannel::Down(Box::new(now.failure.unwrap_or_else(not_yet))));
            }
            // A full queue has advice enough.
            let _ = self.commands.try_send(Command::Retry { why: Why::Demand, heard: None });
            let tick = deadline.min(Instant::now() + DEMAND_EVERY);
            tokio::select! {
                _ = links.changed() => {}
                _ = status.changed() => {}
                () = tokio::time::sleep_until(tick) => {}
            }
        }
    }
}

fn not_yet() -> Failure {
    Failure::new(Fault::Transient, ErrorCode::Opening, "the tunnel is not up yet")
}
