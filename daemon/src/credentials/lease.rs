//! An authorization that is revoked whatever happens.
//!
//! Revoking hangs on the drop, so that no way out (an early return, a panic, a task that is
//! dropped) leaves one behind, and it runs in a task of its own, so that nobody waits for it but
//! the daemon's end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::issuer::Issuer;
use crate::fault::Fault;
use crate::heroku::{self, AUTHORIZATION_LIFETIME, Authorization};
use crate::secret::Secret;
use crate::tasks::Tasks;

/// Between tries to revoke, where Heroku does not name another time. It ends the authorization
/// itself after three minutes, so there is no use in being more stubborn.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// Holds an authorization for as long as it is needed.
pub struct Lease {
    issuer: Arc<dyn Issuer>,
    tasks: Tasks,
    /// Cancelled: nobody waits for long any more.
    closing: CancellationToken,
    authorization: Arc<Authorization>,
    taken: Instant,
}

impl Lease {
    pub(super) async fn take(
        issuer: &Arc<dyn Issuer>,
        tasks: &Tasks,
        closing: &CancellationToken,
    ) -> Result<Self, Error> {
        let taken = Instant::now();
        let authorization = Arc::new(issuer.authorize().await?);
        let (issuer, tasks, closing) = (issuer.clone(), tasks.clone(), closing.clone());
        Ok(Self { issuer, tasks, closing, authorization, taken })
    }

    /// Whether it may end during the next call.
    #[must_use]
    pub fn is_worn(&self) -> bool {
        self.taken.elapsed() > AUTHORIZATION_LIFETIME / 2
    }

    /// What the Borealis API accepts.
    #[must_use]
    pub fn token(&self) -> &Secret<String> {
        &self.authorization.token
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Spawning needs a runtime; without one there is no daemon left to do it.
        if tokio::runtime::Handle::try_current().is_ok() {
            let (issuer, closing) = (self.issuer.clone(), self.closing.clone());
            self.tasks.spawn(revoke(issuer, self.authorization.clone(), self.taken, closing));
        }
    }
}

async fn revoke(
    issuer: Arc<dyn Issuer>,
    authorization: Arc<Authorization>,
    taken: Instant,
    closing: CancellationToken,
) {
    let id = &authorization.id;
    let mut pauses = PAUSES.into_iter();
    while let Err(error) = issuer.revoke(&authorization).await {
        let pause = pauses.next().and_then(|usual| Pause::after(&error, usual, taken));
        let waited = match pause {
            Some(Pause::Ours(pause)) => {
                sleep(pause).await;
                Some(())
            }
            // The daemon does not stay for that.
            Some(Pause::Herokus(pause)) => closing.run_until_cancelled(sleep(pause)).await,
            None => None,
        };
        if waited.is_none() {
            tracing::warn!(id, %error, "an authorization stays behind until it expires");
            return;
        }
        tracing::debug!(id, %error, "revoking an authorization again");
    }
}

/// How long to wait before the next try, and who says so.
enum Pause {
    Ours(Duration),
    Herokus(Duration),
}

impl Pause {
    /// None when there is no use in another try.
    fn after(error: &heroku::Error, usual: Duration, taken: Instant) -> Option<Self> {
        match error.failure().fault {
            Fault::Transient => Some(Self::Ours(usual)),
            Fault::Paced { first, .. } => {
                (taken.elapsed() + first < AUTHORIZATION_LIFETIME).then_some(Self::Herokus(first))
            }
            Fault::StaleCredentials | Fault::Missing | Fault::Elsewhere | Fault::Blocked { .. } => {
                None
            }
        }
    }
}
