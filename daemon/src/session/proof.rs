//! Proof that a path works from end to end: Postgres answers the eight bytes that ask for TLS.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::error::Error;
use super::live::{Live, now};
use crate::postgres;
use crate::tunnel::{Company, Read, Traffic};

/// How long Postgres may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A path that nobody used for so long is proved again.
const AGAIN: Duration = Duration::from_secs(5 * 60);

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

/// Asks, and notes when it was answered.
pub(super) async fn prove(live: &Live) {
    let stopped = live.accepting.cancelled();
    tokio::select! {
        () = stopped => {}
        result = tokio::time::timeout(PATIENCE, ask(live)) => match result {
            Ok(Ok(true)) => {
                *live.proved_at.lock() = Some(now());
                debug!(session = %live.id, "proved");
            }
            Ok(Ok(false)) => warn!(session = %live.id, "what answers is not Postgres"),
            Ok(Err(error)) => warn!(session = %live.id, %error, "no proof"),
            Err(_late) => warn!(session = %live.id, "no proof: Postgres does not answer"),
        },
    }
}

async fn ask(live: &Live) -> Result<bool, Error> {
    let mut channel = live.channel(Company::Any, PATIENCE).await?;
    let mut answer = Vec::new();
    let asked = channel.writer.write(Bytes::from_static(&postgres::SSL_REQUEST)).await;
    if asked.is_err() || channel.reader.read(&mut answer).await != Read::Data {
        return Ok(false);
    }
    Ok(answer.first().is_some_and(|bytes| postgres::is_proof(bytes)))
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
