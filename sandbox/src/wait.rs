//! Waiting for a server process, which has no better way to say "ready" than being asked again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const INTERVAL: Duration = Duration::from_millis(10);

/// A server did not get there in time.
#[derive(Debug, thiserror::Error)]
#[error("waited {0:?} in vain")]
pub(crate) struct TooLong(Duration);

/// Asks `check` until it says yes.
pub(crate) async fn until(
    patience: Duration,
    mut check: impl FnMut() -> bool,
) -> Result<(), TooLong> {
    let deadline = Instant::now() + patience;
    while !check() {
        if Instant::now() >= deadline {
            return Err(TooLong(patience));
        }
        sleep(INTERVAL).await;
    }
    Ok(())
}
