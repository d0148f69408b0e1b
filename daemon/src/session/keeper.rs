//! Keeps a session's database credentials: asks the vault, waits, and hears what others make of them.

use std::sync::Arc;
use std::time::Duration;

use borealis_proto::{CredentialKind, ErrorCode, Renewed};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::database::{Command, Credentials, Reply, Source};
use super::whereabouts;
use crate::credentials::{Asker, Generation, Past, Refused, Want};
use crate::fault::{Failure, Fault};
use crate::instant;
use crate::tasks::Kept;
use crate::tunnel::{ASKING_EVERY, Pacer, Phase, Status, Why};

/// The task's own memory.
pub(super) struct Keeper {
    source: Arc<Source>,
    status: watch::Sender<Status>,
    held: watch::Sender<Option<Credentials>>,
    pacer: Pacer,
    /// The youngest that were ever held.
    youngest: Option<Generation>,
    /// Postgres refuses these: they are not used again.
    refused: Option<Refused>,
    /// A person wants others than these: if there are none, they serve on.
    unwanted: Option<Generation>,
    /// The machine woke up, or its network changed, since they were asked for.
    woken: bool,
    /// They may lead to where Postgres no longer is: if there are no others, they serve on.
    astray: bool,
    /// Who asked for others and hears of the end.
    waiting: Vec<Reply>,
    commands: mpsc::Receiver<Command>,
    /// When the last try ended, if it is we who chose how long to wait for the next.
    ours_since: Option<Instant>,
    /// The last run ended in a panic: a rest before the next.
    fallen: Option<Duration>,
    stop: CancellationToken,
}

impl Kept for Keeper {
    fn run(&mut self) -> BoxFuture<'_, ()> {
        let stop = self.stop.clone();
        let run = async move {
            stop.run_until_cancelled(self.keep_on()).await;
        };
        run.boxed()
    }

    /// It waits itself, because whoever is in a hurry may cut that short.
    fn fell(&mut self, rest: Duration) -> Duration {
        self.note_fault(rest);
        Duration::ZERO
    }
}

impl Keeper {
    pub(super) fn new(
        source: Source,
        status: watch::Sender<Status>,
        held: watch::Sender<Option<Credentials>>,
        commands: mpsc::Receiver<Command>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            source: Arc::new(source),
            status,
            held,
            pacer: Pacer::default(),
            youngest: None,
            refused: None,
            unwanted: None,
            woken: false,
            astray: false,
            waiting: Vec::new(),
            commands,
            ours_since: None,
            fallen: None,
            stop,
        }
    }

    async fn keep_on(&mut self) {
        if let Some(rest) = self.fallen.take() {
            self.rest(Some(rest)).await;
        }
        loop {
            let pause = match self.mint().await {
                Ok(credentials) => self.keep(credentials),
                Err(failure) => self.fail(failure),
            };
            self.rest(pause).await;
        }
    }

    /// What is held stays in use.
    fn note_fault(&mut self, rest: Duration) {
        let message =
            "a fault of ours kept the database credentials away; they are asked for again";
        let failure = Failure::new(Fault::Transient, ErrorCode::Internal, message);
        let failure = failure.hint("borealisctl daemon logs");
        self.fallen = Some(rest);
        if self.held.borrow().is_none() {
            self.show(Phase::Waiting, failure.clone(), Some(rest));
        }
        self.answer(&Err(failure));
    }

    /// Why there are none, and when they are asked for again.
    fn show(&self, phase: Phase, failure: Failure, pause: Option<Duration>) {
        let renewed = self.status.borrow().renewed.clone();
        self.status.send_replace(Status {
            phase,
            failures: self.pacer.failures(),
            failure: Some(failure),
            next_retry_at: pause.and_then(instant::after),
            renewed,
        });
    }

    fn want(&self) -> Want {
        let astray =
            self.held.borrow().as_ref().filter(|_| self.astray).map(|held| held.generation);
        Want::of(self.unwanted, self.refused, astray)
    }

    /// Asks the vault, and goes on hearing commands meanwhile.
    async fn mint(&mut self) -> Result<Credentials, Failure> {
        self.woken = false;
        loop {
            let want = self.want();
            let mut minted = get(self.source.clone(), want).boxed();
            let result = loop {
                tokio::select! {
                    result = &mut minted => break result,
                    Some(command) = self.commands.recv() => {
                        self.heed(command);
                    }
                }
            };
            // Whoever wanted more meanwhile must not hear the answer to a smaller wish.
            if result.is_ok() || self.want() == want {
                return result;
            }
        }
    }

    /// Waits until there is a reason to ask again. `None`: only a command is one.
    async fn rest(&mut self, pause: Option<Duration>) {
        let due = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(due);
        loop {
            tokio::select! {
                () = &mut due => break,
                Some(command) = self.commands.recv() => if self.heed(command) { break },
            }
        }
        if self.held.borrow().is_none() {
            self.status.send_modify(|status| {
                status.phase = Phase::Working;
                status.next_retry_at = None;
            });
        }
    }

    /// Notes a command, and says whether it is a reason to ask again.
    fn heed(&mut self, command: Command) -> bool {
        match command {
            Command::Retry { why, heard } => {
                self.woken |= why == Why::Wake;
                let wanting = self.held.borrow().is_none() && self.may_be_cut_short(why);
                if let Some(heard) = heard {
                    if wanting {
                        // Whoever asked must not take the old failure for the new answer.
                        self.status.send_modify(|status| status.phase = Phase::Working);
                    }
                    let _ = heard.send(());
                }
                wanting
            }
            Command::Doubt => {
                self.astray = self.held.borrow().is_some();
                self.astray
            }
            Command::Refresh { done } => {
                self.unwanted = self.unwanted.max(self.youngest);
                self.waiting.push(done);
                true
            }
            Command::Renew { refused, found_by, done } => {
                let newer = self.held.borrow().clone().filter(|held| held.generation > refused);
                match newer {
                    Some(credentials) => {
                        // Whoever asked may have gone.
                        let _ = done.send(Ok(credentials));
                        false
                    }
                    None => {
                        // Whether it ever worked, Postgres was not asked before.
                        let past = Past::Worked;
                        self.refused = Some(Refused { generation: refused, past, found_by });
                        self.waiting.push(done);
                        true
                    }
                }
            }
        }
    }

    /// What the service asked for, and what needs a person, only a person cuts short.
    fn may_be_cut_short(&self, why: Why) -> bool {
        match why {
            Why::Timer | Why::User => true,
            Why::Wake => self.ours_since.is_some(),
            Why::Demand => self.ours_since.is_some_and(|since| since.elapsed() >= ASKING_EVERY),
        }
    }

    fn keep(&mut self, credentials: Credentials) -> Option<Duration> {
        let refused = self.refused.take();
        self.astray = false;
        let renewed = match self.unwanted.take() {
            Some(_) => None,
            None if refused.is_some() => Some(self.renewal()),
            None => self.status.borrow().renewed.clone(),
        };
        self.pacer.settled();
        self.youngest = Some(credentials.generation);
        self.held.send_replace(Some(credentials.clone()));
        self.status.send_replace(Status { phase: Phase::Ready, renewed, ..Status::new() });
        self.answer(&Ok(credentials));
        None
    }

    fn renewal(&self) -> Renewed {
        warn!(
            owner = ?self.source.owner,
            "Postgres refused the password, and it was renewed: somebody may have reset the users"
        );
        Renewed {
            credential: CredentialKind::Password,
            at: instant::now(),
            reason: "Postgres refused it".to_owned(),
        }
    }

    /// What is held stays in use, unless Postgres refuses it: it may still be good.
    fn fail(&mut self, failure: Failure) -> Option<Duration> {
        let (fault, mut pause) = self.pacer.failed_to_ask(failure.fault);
        if self.woken && fault == Fault::Transient {
            // What failed was asked on the network that was.
            pause = Some(Duration::ZERO);
        }
        let ours = matches!(fault, Fault::Transient | Fault::StaleCredentials | Fault::Missing);
        self.ours_since = ours.then(Instant::now);
        warn!(owner = ?self.source.owner, ?fault, ?pause, reason = %failure.reason.message,
            "no database credentials");
        (self.unwanted, self.astray) = (None, false);
        if self.refused.is_some() {
            self.held.send_replace(None);
        }
        if self.held.borrow().is_some() {
            self.answer(&Err(failure));
            return None;
        }
        let blocked = matches!(fault, Fault::Blocked { .. });
        let phase = if blocked { Phase::Blocked } else { Phase::Waiting };
        self.show(phase, failure.clone(), pause);
        // After the state: whoever hears it may look.
        self.answer(&Err(failure));
        if let Some(refused) = &mut self.refused {
            // Whoever came upon it has an answer; from here on it is the daemon that tries.
            refused.found_by = Asker::Daemon;
        }
        pause
    }

    fn answer(&mut self, result: &Result<Credentials, Failure>) {
        for reply in self.waiting.drain(..) {
            // Whoever asked may have gone.
            let _ = reply.send(result.clone());
        }
    }
}

/// Of what is renewed without a person's word it is first made sure that it is still wanted.
async fn get(source: Arc<Source>, want: Want) -> Result<Credentials, Failure> {
    let Source { vault, owner, access, whereabouts } = &*source;
    let minted =
        async { vault.database(owner, *access, want).await.map_err(|error| error.failure()) };
    whereabouts::guarded(std::slice::from_ref(whereabouts), want, minted).await
}
