//! The daemon's own questions: it joins a session as any client does, without a socket between.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use borealis_proto::{QueryEvent, QueryRequest};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tracing::{debug, info};

use super::connection::carry;
use super::error::Error;
use super::live::Live;
use super::manager::Manager;
use crate::credentials::DatabaseCredentials;
use crate::postgres::First;
pub(crate) use crate::postgres::query::Piece;
use crate::postgres::query::{self, BackendKey, CopySource, End, Login, QueryError, Question};
use crate::tunnel::Channel;

/// How long a query waits for the tunnel.
const PATIENCE: Duration = Duration::from_secs(30);
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

/// What a caller has for `COPY … FROM STDIN`; ends with [`Piece::End`] unless it was cut.
pub(crate) type Upload = BoxStream<'static, Piece>;

/// Where answers go, and where the data of a COPY comes from.
struct Caller {
    events: mpsc::Sender<QueryEvent>,
    copy: CopySource,
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
            tokio::select! {
                () = answer(&task, &request, Caller { events, copy }) => {}
                () = pumped => {}
                () = task.serving.cancelled() => {}
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

async fn answer(live: &Live, request: &QueryRequest, mut caller: Caller) {
    let question = Question {
        sql: &request.sql,
        on_error: request.on_error,
        single_transaction: request.single_transaction,
    };
    match ask(live, &question, &mut caller).await {
        Ok(End::Done) => {}
        Ok(End::CallerGone(key)) => cancel(live, key).await,
        Err(failed) => {
            info!(session = %live.id, error = %failed, "query not answered");
            // The caller may have gone.
            let _ = caller.events.send(failed.into_event()).await;
        }
    }
}

/// Asks, and once more with a new password if the old one is refused.
async fn ask(live: &Live, question: &Question<'_>, caller: &mut Caller) -> Result<End, Failed> {
    let held =
        live.database.wait(PATIENCE).await.map_err(|failure| Error::NotUp(failure.reason))?;
    match ask_as(live, &held, question, caller).await {
        Err(Failed::Query(refused)) if refused.is_login_refused() => {
            info!(session = %live.id, "Postgres refuses the password: asking for a new one");
            let renewed = live.database.renew(held.generation).await;
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
    caller: &mut Caller,
) -> Result<End, Failed> {
    let login = Login { user: &held.user, password: &held.password, database: &held.database };
    let channel = live.channel(PATIENCE).await?;
    let (stream, end) = duplex(PIPE);
    let Caller { events, copy } = caller;
    let mut asked = pin!(query::run(stream, login, question, copy, events.clone()));
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

/// As psql does on Ctrl+C: a second connection that says which backend should stop.
async fn cancel(live: &Live, key: BackendKey) {
    let Ok(channel) = live.channel(PATIENCE).await else { return };
    let (mut stream, end) = duplex(PIPE);
    let say = async move {
        // Postgres answers by closing; so do we.
        let _ = stream.write_all(&query::cancel_request(&key)).await;
        let _ = stream.shutdown().await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    };
    tokio::join!(say, run_relay(live, end, channel));
    debug!(session = %live.id, "query cancelled");
}

impl Live {
    /// Credentials whose password Postgres has accepted a moment ago; renewed if it does not.
    /// When Postgres cannot be asked, what is held is all that can be had.
    pub(super) async fn proved_login(&self, wait: Duration) -> Result<Credentials, Error> {
        let held =
            self.database.wait(wait).await.map_err(|failure| Error::NotUp(failure.reason))?;
        // Nobody listens to the events of an empty question; its outcome is what counts.
        let (events, _unread) = mpsc::channel(EVENTS);
        let mut caller = Caller { events, copy: CopySource::absent() };
        let question = Question::new("");
        let asked = tokio::time::timeout(LOGIN_PATIENCE, ask(self, &question, &mut caller)).await;
        if let Ok(Err(error)) = asked {
            info!(session = %self.id, %error, "the password was not proved");
        }
        Ok(self.database.held().unwrap_or(held))
    }
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
enum Failed {
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
