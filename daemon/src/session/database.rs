//! A session's database credentials: got when it opens, renewed on demand, kept while they work.

use std::sync::Arc;
use std::time::Duration;

use borealis_proto::{Access, ErrorCode};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::keeper::Keeper;
use super::whereabouts::Whereabouts;
use crate::credentials::{Asker, DatabaseCredentials, Generation, Owner, Vault};
use crate::fault::{Failure, Fault};
use crate::tasks::Tasks;
use crate::tunnel::{Phase, Status, Why};

/// Commands in flight; whoever sends waits while it is full.
const COMMANDS: usize = 8;
/// A waiting client presses for a new try this often.
const PRESS_EVERY: Duration = Duration::from_secs(1);

pub(super) type Credentials = Arc<DatabaseCredentials>;
pub(super) type Reply = oneshot::Sender<Result<Credentials, Failure>>;

/// What handles ask of the keeper.
pub(super) enum Command {
    /// `heard` fires once it has had its effect.
    Retry { why: Why, heard: Option<oneshot::Sender<()>> },
    /// A person wants others.
    Refresh { done: Reply },
    /// Postgres is not where these say.
    Doubt,
    /// Postgres refuses these.
    Renew { refused: Generation, found_by: Asker, done: Reply },
}

/// Whose credentials, and where they come from.
pub(super) struct Source {
    pub(super) vault: Arc<Vault>,
    pub(super) owner: Owner,
    pub(super) access: Access,
    pub(super) whereabouts: Arc<Whereabouts>,
}

/// The handle.
pub(super) struct Database {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<Status>,
    held: watch::Receiver<Option<Credentials>>,
}

impl Database {
    /// Starts to get them. Ends with `stop`.
    pub(super) fn start(source: Source, tasks: &Tasks, stop: CancellationToken) -> Self {
        // The keeper receives; the session's handlers send, and wait while it is full.
        let (commands, received) = mpsc::channel(COMMANDS);
        let (status_out, status) = watch::channel(Status::new());
        let (held_out, held) = watch::channel(None);
        let what = format!("what keeps the {} password of {}", source.access, source.owner.addon());
        let keeper = Keeper::new(source, status_out, held_out, received, stop.clone());
        tasks.keep(what, keeper, stop);
        Self { commands, status, held }
    }

    pub(super) fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// What is held now.
    pub(super) fn held(&self) -> Option<Credentials> {
        self.held.borrow().clone()
    }

    /// What is held, or will be within `patience`.
    pub(super) async fn wait(&self, patience: Duration) -> Result<Credentials, Failure> {
        let mut held = self.held.clone();
        let mut status = self.status.clone();
        let pressing = async {
            loop {
                self.press(Why::Demand);
                tokio::time::sleep(PRESS_EVERY).await;
            }
        };
        let known = async {
            tokio::select! {
                // What is held stays good while the keeper is on its way out.
                biased;
                Ok(credentials) = held.wait_for(Option::is_some) => credentials.clone(),
                _ = status.wait_for(|now| now.phase == Phase::Blocked) => None,
                never = pressing => never,
            }
        };
        let known = tokio::time::timeout(patience, known).await.ok().flatten();
        known.ok_or_else(|| self.status.borrow().failure.clone().unwrap_or_else(not_yet))
    }

    /// Tells a keeper that waits of its own accord that somebody is in a hurry.
    pub(super) fn press(&self, why: Why) {
        // One whose hands are full hears of it from the next.
        let _ = self.commands.try_send(Command::Retry { why, heard: None });
    }

    /// Try now, if there is something to try. Returns when the try is under way.
    pub(super) async fn retry(&self) {
        let (heard, effect) = oneshot::channel();
        // A keeper that has gone needs no advice.
        let _ = self.commands.send(Command::Retry { why: Why::User, heard: Some(heard) }).await;
        let _ = effect.await;
    }

    /// Other credentials, because a person wants them.
    pub(super) async fn refresh(&self) -> Result<Credentials, Failure> {
        let (done, result) = oneshot::channel();
        let _ = self.commands.send(Command::Refresh { done }).await;
        result.await.unwrap_or_else(|_gone| Err(closing()))
    }

    /// Where Postgres should be it has not been for long: the service may know better.
    pub(super) fn doubt(&self) {
        // One whose hands are full is asking already.
        let _ = self.commands.try_send(Command::Doubt);
    }

    /// Other credentials than these, which Postgres refuses.
    pub(super) async fn renew(
        &self,
        refused: Generation,
        found_by: Asker,
    ) -> Result<Credentials, Failure> {
        let (done, result) = oneshot::channel();
        let _ = self.commands.send(Command::Renew { refused, found_by, done }).await;
        result.await.unwrap_or_else(|_gone| Err(closing()))
    }
}

fn not_yet() -> Failure {
    Failure::new(
        Fault::Transient,
        ErrorCode::Opening,
        "the service has not handed out database credentials yet",
    )
}

fn closing() -> Failure {
    Failure::new(Fault::Transient, ErrorCode::Closing, "the session is closing")
}
