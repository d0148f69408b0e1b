//! The daemon's own questions: it joins a session as any client does, without a socket between.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use borealis_proto::{QueryEvent, QueryRequest};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tracing::{debug, info};

use super::answers::{self, Answers, Outlet};
use super::backends;
use super::connection::carry;
use super::error::Error;
use super::live::Live;
use super::manager::Manager;
use crate::credentials::{Asker, DatabaseCredentials};
use crate::locked::Locked;
use crate::postgres::First;
pub(crate) use crate::postgres::query::Piece;
use crate::postgres::query::{self, BackendKey, CopySource, End, Login, QueryError, Question};
use crate::tunnel::{Channel, Company};

/// How long a query waits for the tunnel.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Between driver and relay, and so what the driver can read in one turn.
const PIPE: usize = 64 * 1024;
/// What the driver can send in one turn; wide rows are fewer, see [`PIPE`].
const EVENTS: usize = 256;
/// Pieces of a COPY on their way to Postgres. One is read ahead of need, so that a caller that goes
/// is missed at once.
const PIECES: usize = 2;
/// How long the look at a password may take; after that it is handed out unseen.
const LOGIN_PATIENCE: Duration = Duration::from_secs(5);

/// How long Postgres' answer to our goodbye is waited for.
const GOODBYE: Duration = Duration::from_secs(1);

type Credentials = Arc<DatabaseCredentials>;

/// The backend that may be at work, until it has said that it is done.
type Running = Locked<Option<BackendKey>>;

/// What a caller has for `COPY … FROM STDIN`; ends with [`Piece::End`] unless it was cut.
pub(crate) type Upload = BoxStream<'static, Piece>;

/// Where answers go, where the data of a COPY comes from, and where it is noted whom to stop.
struct Caller<'a> {
    events: Outlet,
    copy: CopySource,
    running: &'a Running,
    /// Whose question it is.
    asker: Asker,
}

impl Manager {
    /// Asks Postgres. Events come in order; dropping the answers cancels the query.
    ///
    /// # Errors
    /// When there is no such session. What goes wrong later is an event.
    pub(crate) fn query(
        &self,
        request: QueryRequest,
        upload: Option<Upload>,
    ) -> Result<Answers, Error> {
        let live = self.find(&request.session)?;
        live.check_open()?;
        let (events, answers) = answers::channel();
        let task = live.clone();
        live.connections.spawn(async move {
            let (copy, pumped) = source(upload);
            let running = Running::default();
            let caller = Caller { events, copy, running: &running, asker: Asker::Person };
            tokio::select! {
                () = answer(&task, &request, caller) => {}
                () = pumped => {}
                () = task.serving.cancelled() => {}
            }
            // Whoever ended it, caller, link or session: nobody reads the answer any more.
            let abandoned = running.lock().take();
            if let Some(key) = abandoned {
                backends::cancel(&task, key).await;
            }
        });
        Ok(answers)
    }
}

/// The source of an upload, and the future that fills it. That one never ends.
fn source(upload: Option<Upload>) -> (CopySource, impl Future<Output = ()>) {
    let (sender, receiver) = mpsc::channel(PIECES);
    let copy = upload.as_ref().map_or_else(CopySource::absent, |_| CopySource::new(receiver));
    let pump = async move {
        let mut pieces = upload.unwrap_or_else(|| futures_util::stream::empty().boxed());
        while let Some(piece) = pieces.next().await {
            if sender.send(piece).await.is_err() {
                break;
            }
        }
        // Without `End` before it, this tells that the data was cut.
        drop(sender);
        pending().await
    };
    (copy, pump)
}

async fn answer(live: &Live, request: &QueryRequest, mut caller: Caller<'_>) {
    let question = Question {
        sql: &request.sql,
        on_error: request.on_error,
        single_transaction: request.single_transaction,
    };
    if let Err(failed) = ask(live, &question, &mut caller).await {
        info!(session = %live.id, error = %failed, "query not answered");
        caller.events.say(failed.into_event(live)).await;
    }
}

/// Asks, and once more with a new password if the old one is refused.
async fn ask(live: &Live, question: &Question<'_>, caller: &mut Caller<'_>) -> Result<End, Failed> {
    let held =
        live.database.wait(PATIENCE).await.map_err(|failure| Error::NotUp(failure.reason))?;
    match ask_as(live, &held, question, caller).await {
        Err(Failed::Query(refused)) if refused.is_login_refused() => {
            info!(session = %live.id, "Postgres refuses the password: asking for a new one");
            let renewed = live.database.renew(held.generation, caller.asker).await;
            let renewed = renewed.map_err(|failure| Error::NotUp(failure.reason))?;
            ask_as(live, &renewed, question, caller).await
        }
        result => result,
    }
}

async fn ask_as(
    live: &Live,
    held: &Credentials,
    question: &Question<'_>,
    caller: &mut Caller<'_>,
) -> Result<End, Failed> {
    let login = Login { user: &held.user, password: &held.password, database: &held.database };
    let channel = live.channel(Company::Alone, PATIENCE).await?;
    let (stream, end) = duplex(PIPE);
    let Caller { events, copy, running, asker: _ } = caller;
    let entered = |key| *running.lock() = Some(key);
    // The driver sends, the outlet receives; full means that there was much to read in one turn.
    let (sender, sent) = mpsc::channel(EVENTS);
    let driver = pin!(async {
        let result = query::run(stream, login, question, copy, sender, entered).await;
        // What is left waits for the caller; in Postgres there is nothing to stop any more.
        if matches!(result, Ok(End::Done)) {
            running.lock().take();
        }
        result
    });
    let mut asked = pin!(events.fill(sent, driver));
    let mut relayed = pin!(run_relay(live, end, channel));
    let result = tokio::select! {
        result = asked.as_mut() => {
            if matches!(result, Ok(End::Done)) {
                // Late is no harm: dropping the relay closes the channel.
                let _ = tokio::time::timeout(GOODBYE, relayed.as_mut()).await;
            }
            result
        }
        () = relayed.as_mut() => asked.await,
    };
    Ok(result?)
}

async fn run_relay(live: &Live, mut end: DuplexStream, channel: Channel) {
    let ended = carry(live, &mut end, First::none(), channel).await;
    debug!(session = %live.id, ?ended, "own query left");
}

impl Live {
    /// Credentials whose password Postgres has accepted a moment ago; renewed if it does not.
    /// When Postgres cannot be asked, what is held is all that can be had; what it refuses is not
    /// handed out.
    pub(super) async fn proved_login(&self, wait: Duration) -> Result<Credentials, Error> {
        let held = self.database.wait(wait).await.map_err(|failure| self.not_up(failure))?;
        let proved = tokio::time::timeout(LOGIN_PATIENCE, self.prove_login(Asker::Person)).await;
        if !matches!(proved, Ok(false)) {
            return Ok(self.database.held().unwrap_or(held));
        }
        let failure = self.database.status().borrow().failure.clone();
        match (self.database.held(), failure) {
            (None, Some(failure)) => Err(self.not_up(failure)),
            (now, _) => Ok(now.unwrap_or(held)),
        }
    }

    /// Logs in and out again; a password that is refused is renewed. Says whether it was possible.
    pub(super) async fn prove_login(&self, asker: Asker) -> bool {
        // Nobody listens to the events of an empty question; its outcome is what counts.
        let (events, _unread) = answers::channel();
        let running = Running::default();
        let mut caller = Caller { events, copy: CopySource::absent(), running: &running, asker };
        let asked = ask(self, &Question::new(""), &mut caller).await;
        if let Err(error) = &asked {
            info!(session = %self.id, %error, "the password was not proved");
        }
        asked.is_ok()
    }

    /// What Postgres answers to one small question of our own.
    pub(super) async fn rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failed> {
        let (events, mut answers) = answers::channel();
        let running = Running::default();
        let (copy, asker) = (CopySource::absent(), Asker::Daemon);
        let mut caller = Caller { events, copy, running: &running, asker };
        let question = Question::new(sql);
        let asked = async move { ask(self, &question, &mut caller).await };
        let (asked, heard) = tokio::join!(asked, rows_of(&mut answers));
        asked?;
        Ok(heard?)
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only rows and a refusal matter here")]
async fn rows_of(answers: &mut Answers) -> Result<Vec<Vec<Option<String>>>, QueryError> {
    let mut rows = Vec::new();
    while let Some(batch) = answers.next().await {
        for event in batch.events {
            match event {
                QueryEvent::Row { values } => rows.push(values),
                QueryEvent::Error { server: Some(said), .. } => {
                    return Err(QueryError::Server(Box::new(said)));
                }
                _ => {}
            }
        }
    }
    Ok(rows)
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Session(#[from] Error),
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Failed {
    fn into_event(self, live: &Live) -> QueryEvent {
        match self {
            Self::Session(error) => {
                let choices = error.choices().to_vec();
                let reason = live.addressed(error.reason());
                QueryEvent::Error {
                    detail: borealis_proto::ErrorDetail {
                        code: reason.code,
                        message: reason.message,
                        hint: reason.hint,
                        retryable: true,
                        choices,
                    },
                    server: None,
                }
            }
            Self::Query(error) => error.into_event(),
        }
    }
}
