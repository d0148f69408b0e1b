//! Short-lived Heroku authorizations: the Borealis API takes their tokens and nothing else, and a
//! test asks whether each was deleted again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::secrets::Secrets;

#[derive(Clone)]
pub(crate) struct Authorization {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) description: String,
    pub(crate) scope: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_in: u64,
    expires_at: Instant,
}

#[derive(Default)]
pub(crate) struct Authorizations {
    /// Those that were created and not deleted, by id; never held across an await.
    live: Mutex<BTreeMap<String, Authorization>>,
}

impl Authorizations {
    /// `expires_in` in seconds.
    pub(crate) fn create(
        &self,
        secrets: &Secrets,
        description: String,
        scope: Vec<String>,
        expires_in: u64,
    ) -> Authorization {
        let authorization = Authorization {
            id: Uuid::new_v4().to_string(),
            token: secrets.token("HRKU-short-"),
            description,
            scope,
            created_at: Timestamp::now(),
            expires_in,
            expires_at: Instant::now() + Duration::from_secs(expires_in),
        };
        self.live().insert(authorization.id.clone(), authorization.clone());
        authorization
    }

    pub(crate) fn delete(&self, id: &str) -> Option<Authorization> {
        self.live().remove(id)
    }

    /// Whether a token is of an authorization that is neither deleted nor expired.
    pub(crate) fn accepts(&self, token: &str) -> bool {
        let now = Instant::now();
        self.live().values().any(|one| one.token == token && now < one.expires_at)
    }

    /// Created and not deleted; an expired one was forgotten by somebody too.
    pub(crate) fn outstanding(&self) -> BTreeMap<String, Timestamp> {
        self.live().values().map(|one| (one.id.clone(), one.created_at)).collect()
    }

    fn live(&self) -> MutexGuard<'_, BTreeMap<String, Authorization>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_counts_until_deleted_or_expired() {
        let (all, secrets) = (Authorizations::default(), Secrets::default());
        let new = || all.create(&secrets, "test".into(), vec!["read".into()], 180);
        let (first, second) = (new(), new());
        assert!(all.accepts(&first.token) && all.accepts(&second.token));
        assert!(all.delete(&first.id).is_some());
        assert!(!all.accepts(&first.token), "deleted");
        tokio::time::advance(Duration::from_secs(181)).await;
        assert!(!all.accepts(&second.token), "expired");
        assert_eq!(all.outstanding().len(), 1, "expired is not deleted");
    }
}
