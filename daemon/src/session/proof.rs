//! Proof that a path works from end to end: Postgres answers the eight bytes that ask for TLS.

use std::time::Duration;

use borealis_proto::{ErrorCode, Reason};
use bytes::Bytes;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::error::Error;
use super::live::Live;
use crate::instant;
use crate::postgres;
use crate::tunnel::{Company, Read, Traffic};

/// How long Postgres may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A path that nobody used for so long is proved again.
const AGAIN: Duration = Duration::from_secs(5 * 60);
/// One that failed, so soon: it is shown as failed until then.
const FAILED: Duration = Duration::from_secs(15);

/// Knows since when nothing has come through a session's path.
pub(super) struct Rest {
    received: u64,
    due: Instant,
}

impl Rest {
    /// Begins now.
    pub(super) fn new(traffic: &Traffic) -> Self {
        Self { received: traffic.snapshot().received, due: Instant::now() + AGAIN }
    }

    /// The path does not work: the next look is soon.
    pub(super) fn soon(&mut self) {
        self.due = self.due.min(Instant::now() + FAILED);
    }

    /// Resolves after a while, and tells what the path was doing in it.
    pub(super) async fn over(&mut self, traffic: &Traffic) -> Path {
        tokio::time::sleep_until(self.due).await;
        let before = std::mem::replace(self, Self::new(traffic)).received;
        if self.received == before { Path::Idle } else { Path::Used }
    }
}

/// What a path was doing lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// Nothing came through: whether anything would has to be proved.
    Idle,
    /// Something came through, which is as good as a proof.
    Used,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unproved {
    /// Somebody else answers.
    #[error("what answers behind the tunnel is not Postgres")]
    NotPostgres,
    /// It is going down, or full of connections that have not logged in.
    #[error("Postgres hung up without an answer")]
    HungUp,
    /// Nobody does.
    #[error("Postgres does not answer within {} s", PATIENCE.as_secs())]
    Late,
    /// The question cannot be asked.
    #[error(transparent)]
    NoChannel(#[from] Error),
}

impl Unproved {
    /// What people hear.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::NoChannel(error) => error.reason(),
            Self::NotPostgres | Self::HungUp | Self::Late => Reason {
                code: ErrorCode::DatabaseUnreachable,
                message: self.to_string(),
                hint: None,
            },
        }
    }
}

/// Asks, and notes when it was answered. One that is closed meanwhile needs no proof.
pub(super) async fn prove(live: &Live) -> Result<(), Unproved> {
    let proof = async {
        let answered = tokio::time::timeout(PATIENCE, ask(live)).await;
        answered.map_err(|_late| Unproved::Late)?
    };
    let proved = tokio::select! {
        () = live.accepting.cancelled() => return Ok(()),
        proved = proof => proved,
    };
    match &proved {
        Ok(()) => {
            *live.proved_at.lock() = Some(instant::now());
            live.set_unreachable(None);
            debug!(session = %live.id, "proved");
        }
        Err(error) => {
            warn!(session = %live.id, %error, "no proof");
            let reason = error.reason();
            // A tunnel that is down speaks for itself.
            if reason.code == ErrorCode::DatabaseUnreachable {
                live.set_unreachable(Some(reason));
            }
        }
    }
    proved
}

async fn ask(live: &Live) -> Result<(), Unproved> {
    let mut channel = live.channel(Company::Any, PATIENCE).await?;
    let mut answer = Vec::new();
    let asked = channel.writer.write(Bytes::from_static(&postgres::SSL_REQUEST)).await;
    if asked.is_err() || channel.reader.read(&mut answer).await != Read::Data {
        return Err(Unproved::HungUp);
    }
    match answer.first().is_some_and(|bytes| postgres::is_proof(bytes)) {
        true => Ok(()),
        false => Err(Unproved::NotPostgres),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_idle_path_is_due_every_five_minutes() {
        let (traffic, begun) = (Traffic::default(), Instant::now());
        let mut rest = Rest::new(&traffic);
        assert_eq!(rest.over(&traffic).await, Path::Idle);
        assert_eq!(begun.elapsed(), AGAIN);
        assert_eq!(rest.over(&traffic).await, Path::Idle);
        assert_eq!(begun.elapsed(), 2 * AGAIN);
        // As if something had come since the last look.
        rest.received += 1;
        assert_eq!(rest.over(&traffic).await, Path::Used);
    }
}
