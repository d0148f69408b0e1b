//! Performs what [`step`] decides: one task a tunnel, one future in hand.

use std::sync::Arc;
use std::time::Duration;

use borealis_proto::ErrorCode;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::hand::{Outcome, first_of};
use super::keyring::{Keyring, News};
use super::pace::{ASKING_EVERY, Pacer};
use super::serving::{Serving, SharedLink, retire};
use super::state::{Action, Event, Pace, State, Why, step};
use super::status::{Phase, Status};
use super::traits::{ConnectError, Connector, KeySource, LinkEnd};
use crate::credentials::SshCredentials;
use crate::fault::{Failure, Fault};
use crate::instant;
use crate::tasks::{Kept, Tasks};

/// A link that lives this long is well: past failures are forgotten.
const SETTLED: Duration = Duration::from_secs(30);
/// A waiting client presses for a new try this often, and no two tries that clients press for are
/// closer together.
pub(super) const DEMAND_EVERY: Duration = Duration::from_millis(500);

pub(super) type Reply = oneshot::Sender<Result<(), Failure>>;
/// What handles ask of the supervisor.
pub(super) enum Command {
    /// `heard` fires once it has had its effect.
    Retry { why: Why, heard: Option<oneshot::Sender<()>> },
    /// With `renew`, the held credentials are not good enough: a person says so.
    Replace { renew: bool, done: Reply },
}

pub(super) fn closing() -> Failure {
    Failure::new(Fault::Transient, ErrorCode::Closing, "the tunnel is closing")
}

/// The task's own memory.
pub(super) struct Supervisor {
    name: String,
    keys: Arc<dyn KeySource>,
    connector: Arc<dyn Connector>,
    tasks: Tasks,
    status: watch::Sender<Status>,
    link: watch::Sender<Option<Serving>>,
    pacer: Pacer,
    /// When the last try began.
    tried_at: Instant,
    /// How soon after that a client may press for the next.
    demand_after: Duration,
    /// How long the next wait is; `None`: until somebody helps.
    pause: Option<Duration>,
    /// Why it is not up.
    failure: Option<Failure>,
    /// The machine woke up, or its network changed, since credentials were asked for.
    woken: bool,
    keyring: Keyring,
    /// Who asked for a replacement and hears of its end.
    waiting: Vec<Reply>,
    /// Ends the supervisor, and the draining of retired links.
    stop: CancellationToken,
    /// Who waits for the command in hand to have its effect.
    heard: Option<oneshot::Sender<()>>,
    /// Handles send.
    commands: mpsc::Receiver<Command>,
    /// With what the next run begins.
    begin: (State, Action),
}

/// Where the supervisor shows what it is doing.
pub(super) struct Published {
    pub(super) status: watch::Sender<Status>,
    pub(super) link: watch::Sender<Option<Serving>>,
}

impl Supervisor {
    pub(super) fn new(
        name: String,
        keys: Arc<dyn KeySource>,
        connector: Arc<dyn Connector>,
        tasks: Tasks,
        published: Published,
        commands: mpsc::Receiver<Command>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            name,
            keys,
            connector,
            tasks,
            status: published.status,
            link: published.link,
            pacer: Pacer::default(),
            tried_at: Instant::now(),
            demand_after: DEMAND_EVERY,
            pause: None,
            failure: None,
            woken: false,
            keyring: Keyring::default(),
            waiting: Vec::new(),
            stop,
            heard: None,
            commands,
            begin: (State::Minting, Action::Mint),
        }
    }

    async fn perform(&mut self) {
        let (mut state, mut action) = self.begin;
        let mut hand = self.take_in_hand(action);
        while action != Action::Finish {
            let event = tokio::select! {
                outcome = &mut hand => Some(self.absorb(outcome)),
                Some(command) = self.commands.recv() => self.heed(command),
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

    /// What was in hand is lost, and a link that serves goes on serving until it has a successor.
    /// What the server has refused stays refused.
    fn note_fault(&mut self, rest: Duration) {
        let message = "a fault of ours stopped the tunnel; it is tried again";
        let failure = Failure::new(Fault::Transient, ErrorCode::Internal, message);
        let failure = failure.hint("borealisctl daemon logs");
        self.heard = None;
        self.answer(&Err(failure.clone()));
        (self.failure, self.pause) = (Some(failure), Some(rest));
        let state = State::Backoff { pace: Pace::Ours };
        self.begin = (state, Action::Wait);
        self.publish(state);
    }

    /// Starts what the action asks for. Owns all that it needs: dropping it cancels it.
    fn take_in_hand(&mut self, action: Action) -> BoxFuture<'static, Outcome> {
        match action {
            Action::Mint => {
                self.tried_at = Instant::now();
                if std::mem::take(&mut self.woken) {
                    // Where nobody was on the network that was, somebody may be now.
                    self.keyring.stay();
                }
                self.keys.key(self.keyring.want()).map(Outcome::Minted).boxed()
            }
            Action::Connect => match self.keyring.held() {
                Some(credentials) => {
                    self.connector.connect(credentials.clone()).map(Outcome::Connected).boxed()
                }
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
            Some(serving) => serving.link.ended().map(Outcome::Ended).boxed(),
            None => std::future::ready(Outcome::Ended(LinkEnd::Closed)).boxed(),
        }
    }

    fn make_successor(&self) -> BoxFuture<'static, Outcome> {
        let made = self.keyring.succeed(self.keys.clone(), self.connector.clone());
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
            Outcome::Minted(Err(failure)) => Event::Failed(self.go_without(failure)),
            Outcome::Connected(Err(error)) => {
                if let ConnectError::Unreachable { .. } | ConnectError::TimedOut { .. } = error {
                    self.keyring.unreached();
                }
                let failure = error.failure();
                if failure.fault == Fault::StaleCredentials {
                    self.keyring.refuse();
                }
                self.demand_after = DEMAND_EVERY;
                let paced = self.pacer.failed(failure.fault);
                Event::Failed(self.fail(failure, paced))
            }
            Outcome::Replaced(successor) => {
                self.keyring.learn(&successor);
                match successor.made {
                    Ok((credentials, link)) => {
                        self.hold(credentials);
                        self.put_into_service(link);
                        Event::Connected
                    }
                    Err(failure) => Event::Failed(self.keep_old_link(failure)),
                }
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
            Command::Retry { why: Why::Demand, .. }
                if self.tried_at.elapsed() < self.demand_after =>
            {
                None
            }
            Command::Retry { why, heard } => {
                self.heard = heard;
                self.woken |= why == Why::Wake;
                Some(Event::Retry(why))
            }
            Command::Replace { renew, done } => {
                if renew {
                    self.keyring.reject();
                }
                self.waiting.push(done);
                Some(Event::Replace)
            }
        }
    }

    /// Keeps the credentials, and says whether they are other ones than before.
    fn hold(&mut self, credentials: Arc<SshCredentials>) -> bool {
        let news = self.keyring.hold(credentials);
        if news == News::Renewed {
            warn!(
                tunnel = self.name,
                "the SSH server refused the key, and it was renewed: somebody may have reset the users"
            );
        }
        news != News::None
    }

    fn fall_back(&mut self, failure: &Failure) {
        if self.keyring.fall_back() {
            self.answer(&Err(failure.clone()));
        }
    }

    /// There are no credentials, or no others.
    fn go_without(&mut self, failure: Failure) -> Fault {
        self.fall_back(&failure);
        let (failure, (fault, pause)) = if self.keyring.stay() {
            let why = &failure.reason.message;
            info!(tunnel = self.name, reason = %why, "the service does not say where else to go");
            // Why it was asked is still the reason, and none not to try where somebody was.
            self.demand_after = DEMAND_EVERY;
            (self.failure.clone().unwrap_or(failure), self.pacer.failed(Fault::Transient))
        } else {
            self.demand_after = ASKING_EVERY;
            let paced = self.pacer.failed_to_ask(failure.fault);
            (failure, paced)
        };
        // What failed was asked on the network that was.
        let at_once = self.woken && fault == Fault::Transient;
        self.fail(failure, (fault, if at_once { Some(Duration::ZERO) } else { pause }))
    }

    fn keep_old_link(&mut self, failure: Failure) -> Fault {
        warn!(tunnel = self.name, reason = %failure.reason.message, "the old link stays");
        let fault = failure.fault;
        self.fall_back(&failure);
        self.answer(&Err(failure));
        fault
    }

    fn put_into_service(&mut self, link: SharedLink) {
        self.failure = None;
        self.keyring.took();
        // Whatever made the link was held before.
        let serving = self.keyring.held().cloned().map(|credentials| Serving { link, credentials });
        if let Some(old) = self.link.send_replace(serving) {
            retire(&self.tasks, old.link, self.stop.clone());
        }
        info!(tunnel = self.name, "up");
        self.answer(&Ok(()));
    }

    fn lose(&mut self, end: &LinkEnd) {
        warn!(tunnel = self.name, reason = %end, "the link was lost");
        self.demand_after = DEMAND_EVERY;
        self.link.send_replace(None);
        self.pause = Some(self.pacer.lost());
        let message = format!("the link was lost: {end}");
        self.failure = Some(Failure::new(Fault::Transient, ErrorCode::LinkLost, message));
    }

    /// Notes the failure and returns its final classification.
    fn fail(&mut self, failure: Failure, (fault, pause): (Fault, Option<Duration>)) -> Fault {
        warn!(
            tunnel = self.name, ?fault, attempt = self.pacer.failures(), ?pause,
            reason = %failure.reason.message, "not up"
        );
        self.pause = pause;
        if matches!(fault, Fault::Elsewhere | Fault::Blocked { .. }) {
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
        let phase = Phase::of(state);
        let waits = matches!(phase, Phase::Waiting | Phase::Blocked);
        let next_retry_at = self.pause.filter(|_| waits).and_then(instant::after);
        let status = Status {
            phase,
            failures: self.pacer.failures(),
            failure: self.failure.clone(),
            next_retry_at,
            renewed: self.keyring.renewed(),
        };
        self.status.send_if_modified(|old| std::mem::replace(old, status.clone()) != status);
    }

    async fn finish(&mut self) {
        self.answer(&Err(closing()));
        if let Some(serving) = self.link.send_replace(None) {
            serving.link.close().await;
        }
        info!(tunnel = self.name, "closed");
    }
}

impl Kept for Supervisor {
    fn run(&mut self) -> BoxFuture<'_, ()> {
        self.perform().boxed()
    }

    /// It waits itself, because whoever is in a hurry may cut that short.
    fn fell(&mut self, rest: Duration) -> Duration {
        self.note_fault(rest);
        Duration::ZERO
    }
}
