//! An authorization that is revoked whatever happens.
//!
//! Revoking hangs on the drop, so that no way out (an early return, a panic, a task that is
//! dropped) leaves one behind, and it runs in a task of its own, so that nobody waits for it but
//! the daemon's end.

use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use super::issuer::Issuer;
use crate::fault::Fault;
use crate::heroku::{AUTHORIZATION_LIFETIME, Authorization};
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
    authorization: Arc<Authorization>,
}

impl Lease {
    pub(super) async fn take(issuer: &Arc<dyn Issuer>, tasks: &Tasks) -> Result<Self, Error> {
        let authorization = Arc::new(issuer.authorize().await?);
        Ok(Self { issuer: issuer.clone(), tasks: tasks.clone(), authorization })
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
            self.tasks.spawn(revoke(self.issuer.clone(), self.authorization.clone()));
        }
    }
}

async fn revoke(issuer: Arc<dyn Issuer>, authorization: Arc<Authorization>) {
    let mut pauses = PAUSES.into_iter();
    while let Err(error) = issuer.revoke(&authorization).await {
        let id = &authorization.id;
        let pause = pauses.next().and_then(|usual| match error.failure().fault {
            Fault::Transient => Some(usual),
            Fault::Paced { first, .. } => {
                Some(first).filter(|pause| *pause < AUTHORIZATION_LIFETIME)
            }
            Fault::StaleCredentials | Fault::Missing | Fault::Elsewhere | Fault::Blocked { .. } => {
                None
            }
        });
        let Some(pause) = pause else {
            tracing::warn!(id, %error, "an authorization stays behind until it expires");
            return;
        };
        tracing::debug!(id, %error, "revoking an authorization again");
        tokio::time::sleep(pause).await;
    }
}
