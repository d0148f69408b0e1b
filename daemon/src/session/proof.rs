//! Proof that a path works from end to end: Postgres answers the eight bytes that ask for TLS.

use std::time::Duration;

use bytes::Bytes;
use tracing::{debug, warn};

use super::error::Error;
use super::live::{Live, now};
use crate::postgres;
use crate::tunnel::{Company, Read};

/// How long Postgres may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

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
