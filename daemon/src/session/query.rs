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
/// Between driver and relay.
const PIPE: usize = 64 * 1024;
/// Rows on their way to the caller; the driver stops reading while it is full.
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
    events: mpsc::Sender<QueryEvent>,
    copy: CopySource,
    running: &'a Running,
    /// Whose question it is.
    asker: Asker,
}

impl Manager {
    /// Asks Postgres. Events come in order; dropping the receiver cancels the query.
    ///
    /// # Errors
    /// When there is no such session. What goes wrong later is an event.
    pub(crate) fn query(
        &self,
        request: QueryRequest,
        upload: Option<Upload>,
    ) -> Result<mpsc::Receiver<QueryEvent>, Error> {
        let live = self.find(&request.session)?;
        live.check_open()?;
        // The driver sends, the handler receives; full means that the caller reads slowly.
        let (events, receiver) = mpsc::channel(EVENTS);
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
        Ok(receiver)
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
        // The caller may have gone.
        let _ = caller.events.send(failed.into_event()).await;
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
    let mut asked = pin!(query::run(stream, login, question, copy, events.clone(), entered));
    let mut relayed = pin!(run_relay(live, end, channel));
    let result = tokio::select! {
        result = asked.as_mut() => {
            if matches!(result, Ok(End::Done)) {
                running.lock().take();
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
        let held =
            self.database.wait(wait).await.map_err(|failure| Error::NotUp(failure.reason))?;
        // Nobody listens to the events of an empty question; its outcome is what counts.
        let (events, _unread) = mpsc::channel(EVENTS);
        let running = Running::default();
        let (copy, asker) = (CopySource::absent(), Asker::Person);
        let mut caller = Caller { events, copy, running: &running, asker };
        let question = Question::new("");
        let asked = tokio::time::timeout(LOGIN_PATIENCE, ask(self, &question, &mut caller)).await;
        match asked {
            Ok(Err(error)) => info!(session = %self.id, %error, "the password was not proved"),
            Ok(Ok(_)) | Err(_) => return Ok(self.database.held().unwrap_or(held)),
        }
        let failure = self.database.status().borrow().failure.clone();
        match (self.database.held(), failure) {
            (None, Some(failure)) => Err(Error::NotUp(self.addressed(failure.reason))),
            (now, _) => Ok(now.unwrap_or(held)),
        }
    }

    /// What Postgres answers to one small question of our own.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only rows and a refusal matter here")]
    pub(super) async fn rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failed> {
        let (events, mut answers) = mpsc::channel(EVENTS);
        let running = Running::default();
        let (copy, asker) = (CopySource::absent(), Asker::Daemon);
        let mut caller = Caller { events, copy, running: &running, asker };
        let question = Question::new(sql);
        let asked = async move { ask(self, &question, &mut caller).await };
        let heard = async {
            let mut rows = Vec::new();
            while let Some(event) = answers.recv().await {
                match event {
                    QueryEvent::Row { values } => rows.push(values),
                    QueryEvent::Error { server: Some(said), .. } => {
                        return Err(QueryError::Server(Box::new(said)));
                    }
                    _ => {}
                }
            }
            Ok(rows)
        };
        let (asked, heard) = tokio::join!(asked, heard);
        asked?;
        Ok(heard?)
    }
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
    fn into_event(self) -> QueryEvent {
        match self {
            Self::Session(error) => {
                let (reason, choices) = (error.reason(), error.choices().to_vec());
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
