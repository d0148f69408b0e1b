//! Performs what [`step`] decides: one task a tunnel, one future in hand.

use std::sync::Arc;
use std::time::Duration;

use borealis_proto::ErrorCode;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::pace::Pacer;
use super::state::{Action, Event, State, Why, step};
use super::status::{Phase, Status};
use super::traits::{Channel, Connector, KeySource, Link, LinkEnd, OpenError};
use crate::credentials::{Generation, SshCredentials};
use crate::fault::{Failure, Fault};
use crate::tasks::Tasks;

/// A link that lives this long is well: past failures are forgotten.
const SETTLED: Duration = Duration::from_secs(30);
/// A waiting client presses for a new try this often, and no two tries that clients press for are
/// closer together.
const DEMAND_EVERY: Duration = Duration::from_millis(500);
/// Commands in flight; whoever sends waits while it is full.
const COMMANDS: usize = 16;
/// How long running connections may stay on a link that was replaced.
const DRAIN: Duration = Duration::from_secs(60 * 60);

type Reply = oneshot::Sender<Result<(), Failure>>;
type SharedLink = Arc<dyn Link>;

enum Command {
    /// `heard` fires once it has had its effect.
    Retry { why: Why, heard: Option<oneshot::Sender<()>> },
    /// With `renew`, the held credentials are not good enough.
    Replace { renew: bool, done: Reply },
}

/// What the future in hand brought.
enum Outcome {
    Minted(Result<Arc<SshCredentials>, Failure>),
    Connected(Result<SharedLink, Failure>),
    Replaced(Result<(Arc<SshCredentials>, SharedLink), Failure>),
    Ended(LinkEnd),
    Settled,
    Due,
}

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
        let supervisor = Supervisor {
            name,
            keys,
            connector,
            tasks: tasks.clone(),
            status: status_out,
            link: link_out,
            pacer: Pacer::default(),
            tried_at: Instant::now(),
            pause: None,
            failure: None,
            credentials: None,
            refused: None,
            waiting: Vec::new(),
            stop: stop.clone(),
            heard: None,
        };
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

fn closing() -> Failure {
    Failure::new(Fault::Transient, ErrorCode::Closing, "the tunnel is closing")
}

fn not_yet() -> Failure {
    Failure::new(Fault::Transient, ErrorCode::Opening, "the tunnel is not up yet")
}

struct Supervisor {
    name: String,
    keys: Arc<dyn KeySource>,
    connector: Arc<dyn Connector>,
    tasks: Tasks,
    status: watch::Sender<Status>,
    link: watch::Sender<Option<SharedLink>>,
    pacer: Pacer,
    /// When the last try began.
    tried_at: Instant,
    /// How long the next wait is; `None`: until somebody helps.
    pause: Option<Duration>,
    /// Why it is not up.
    failure: Option<Failure>,
    credentials: Option<Arc<SshCredentials>>,
    /// This generation and older ones are not good enough.
    refused: Option<Generation>,
    /// Who asked for a replacement and hears of its end.
    waiting: Vec<Reply>,
    /// Ends the supervisor, and the draining of retired links.
    stop: CancellationToken,
    /// Who waits for the command in hand to have its effect.
    heard: Option<oneshot::Sender<()>>,
}

impl Supervisor {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let (mut state, mut action) = (State::Minting, Action::Mint);
        let mut hand = self.take_in_hand(action);
        while action != Action::Finish {
            let event = tokio::select! {
                outcome = &mut hand => Some(self.absorb(outcome)),
                Some(command) = commands.recv() => self.heed(command),
                () = self.stop.cancelled() => Some(Event::Stop),
            };
            if let Some(next) = event.and_then(|event| step(state, event)) {
                (state, action) = next;
                self.publish(state);
                hand = self.take_in_hand(action);
            }
            if let Some(heard) = self.heard.take() {
                // Whoever asked may have gone.
                let _ = heard.send(());
            }
        }
        // What was in hand goes before the link does: it may hold a socket.
        drop(hand);
        self.finish().await;
    }

    /// Starts what the action asks for. Owns all that it needs: dropping it cancels it.
    fn take_in_hand(&mut self, action: Action) -> BoxFuture<'static, Outcome> {
        match action {
            Action::Mint => {
                self.tried_at = Instant::now();
                self.keys.key(self.refused).map(Outcome::Minted).boxed()
            }
            Action::Connect => match &self.credentials {
                Some(credentials) => self
                    .connector
                    .connect(credentials.clone())
                    .map(|made| Outcome::Connected(made.map_err(|error| error.failure())))
                    .boxed(),
                None => std::future::ready(Outcome::Due).boxed(),
            },
            Action::Serve => self.serve(),
            Action::Replace => self.make_successor(),
            Action::Wait | Action::Park => match self.pause {
                Some(pause) => tokio::time::sleep(pause).map(|()| Outcome::Due).boxed(),
                None => std::future::pending().boxed(),
            },
            Action::Finish => std::future::pending().boxed(),
        }
    }

    fn serve(&self) -> BoxFuture<'static, Outcome> {
        let ended = self.ended();
        if self.pacer.failures() == 0 {
            return ended;
        }
        let settled = tokio::time::sleep(SETTLED).map(|()| Outcome::Settled).boxed();
        first_of(ended, settled)
    }

    fn ended(&self) -> BoxFuture<'static, Outcome> {
        match self.link.borrow().as_ref() {
            Some(link) => link.ended().map(Outcome::Ended).boxed(),
            None => std::future::ready(Outcome::Ended(LinkEnd::Closed)).boxed(),
        }
    }

    fn make_successor(&self) -> BoxFuture<'static, Outcome> {
        let (key, connector) = (self.keys.key(self.refused), self.connector.clone());
        let made = async move {
            let credentials = key.await?;
            let link = connector.connect(credentials.clone()).await;
            link.map(|link| (credentials, link)).map_err(|error| error.failure())
        };
        first_of(made.map(Outcome::Replaced).boxed(), self.ended())
    }

    fn absorb(&mut self, outcome: Outcome) -> Event {
        match outcome {
            Outcome::Minted(Ok(credentials)) => {
                let fresh = self.hold(credentials);
                Event::Minted { fresh }
            }
            Outcome::Connected(Ok(link)) => {
                self.put_into_service(link);
                Event::Connected
            }
            Outcome::Minted(Err(failure)) => Event::Failed(self.fail(failure)),
            Outcome::Connected(Err(failure)) => {
                if failure.fault == Fault::StaleCredentials {
                    self.refused = self.credentials.as_ref().map(|held| held.generation);
                }
                Event::Failed(self.fail(failure))
            }
            Outcome::Replaced(Ok((credentials, link))) => {
                self.hold(credentials);
                self.put_into_service(link);
                Event::Connected
            }
            Outcome::Replaced(Err(failure)) => {
                warn!(tunnel = self.name, reason = %failure.reason.message, "the old link stays");
                let fault = failure.fault;
                self.answer(&Err(failure));
                Event::Failed(fault)
            }
            Outcome::Ended(end) => {
                self.lose(&end);
                Event::Lost
            }
            Outcome::Settled => {
                self.pacer.settled();
                Event::Settled
            }
            Outcome::Due => Event::Retry(Why::Timer),
        }
    }

    fn heed(&mut self, command: Command) -> Option<Event> {
        match command {
            // However many clients press, a server that refuses at once is not hammered.
            Command::Retry { why: Why::Demand, .. } if self.tried_at.elapsed() < DEMAND_EVERY => {
                None
            }
            Command::Retry { why, heard } => {
                self.heard = heard;
                Some(Event::Retry(why))
            }
            Command::Replace { renew, done } => {
                if renew {
                    self.refused = self.credentials.as_ref().map(|held| held.generation);
                }
                self.waiting.push(done);
                Some(Event::Replace)
            }
        }
    }

    /// Keeps the credentials, and says whether they are other ones than before.
    fn hold(&mut self, credentials: Arc<SshCredentials>) -> bool {
        let before = self.credentials.as_ref().map(|held| held.generation);
        let fresh = before != Some(credentials.generation);
        self.credentials = Some(credentials);
        self.refused = None;
        fresh
    }

    fn put_into_service(&mut self, link: SharedLink) {
        self.failure = None;
        if let Some(old) = self.link.send_replace(Some(link)) {
            self.retire(old);
        }
        info!(tunnel = self.name, "up");
        self.answer(&Ok(()));
    }

    /// Make before break: running connections finish on the old link.
    fn retire(&self, link: SharedLink) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = link.idle() => {}
                () = tokio::time::sleep(DRAIN) => {}
                () = stop.cancelled() => {}
            }
            link.close().await;
        });
    }

    fn lose(&mut self, end: &LinkEnd) {
        warn!(tunnel = self.name, reason = %end, "the link was lost");
        self.link.send_replace(None);
        self.pause = Some(self.pacer.lost());
        let message = format!("the link was lost: {end}");
        self.failure = Some(Failure::new(Fault::Transient, ErrorCode::LinkLost, message));
    }

    /// Notes the failure and returns its final classification.
    fn fail(&mut self, failure: Failure) -> Fault {
        let (fault, pause) = self.pacer.failed(failure.fault);
        warn!(
            tunnel = self.name, ?fault, attempt = self.pacer.failures(), ?pause,
            reason = %failure.reason.message, "not up"
        );
        self.pause = pause;
        if matches!(fault, Fault::Blocked { .. }) {
            self.answer(&Err(failure.clone()));
        }
        self.failure = Some(failure);
        fault
    }

    fn answer(&mut self, result: &Result<(), Failure>) {
        for reply in self.waiting.drain(..) {
            // Whoever asked may have gone.
            let _ = reply.send(result.clone());
        }
    }

    fn publish(&self, state: State) {
        let phase = match state {
            State::Minting | State::Connecting { .. } => Phase::Working,
            State::Up | State::Replacing => Phase::Ready,
            State::Backoff { .. } => Phase::Waiting,
            State::Blocked => Phase::Blocked,
            State::Down => Phase::Ended,
        };
        let waits = matches!(phase, Phase::Waiting | Phase::Blocked);
        let next_retry_at = self.pause.filter(|_| waits).and_then(|pause| {
            Timestamp::now().checked_add(jiff::SignedDuration::try_from(pause).ok()?).ok()
        });
        let status = Status {
            phase,
            failures: self.pacer.failures(),
            failure: self.failure.clone(),
            next_retry_at,
        };
        self.status.send_if_modified(|old| std::mem::replace(old, status.clone()) != status);
    }

    async fn finish(&mut self) {
        self.answer(&Err(closing()));
        if let Some(link) = self.link.send_replace(None) {
            link.close().await;
        }
        info!(tunnel = self.name, "closed");
    }
}

fn first_of(
    one: BoxFuture<'static, Outcome>,
    other: BoxFuture<'static, Outcome>,
) -> BoxFuture<'static, Outcome> {
    select(one, other)
        .map(|either| match either {
            Either::Left((outcome, _)) | Either::Right((outcome, _)) => outcome,
        })
        .boxed()
}
