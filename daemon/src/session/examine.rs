//! Looks hard at all sessions, for somebody who has a problem: whether each path works now, and
//! whether a login that is accepted helps those that wait for one.

use std::collections::BTreeMap;
use std::time::Duration;

use borealis_proto::{Reason, SessionId, SessionState};
use futures_util::future::join_all;

use super::manager::Manager;
use super::proof::prove;

/// Of the sessions that are up: which path works, and why one does not.
pub type Proofs = BTreeMap<SessionId, Result<(), Reason>>;

impl Manager {
    /// Proves the path of each session that is up, side by side. Bounded in time by the proof.
    pub async fn prove_all(&self) -> Proofs {
        let up = self.sessions().into_iter().filter(|live| live.show().state == SessionState::Up);
        let proofs = up.map(|live| async move {
            let proved = prove(&live).await.map_err(|unproved| unproved.reason());
            (live.id.clone(), proved)
        });
        join_all(proofs).await.into_iter().collect()
    }

    /// Heroku has accepted the login of this moment: whoever waits for one tries, and has `patience`
    /// until it shows how that went.
    pub async fn login_accepted(&self, patience: Duration) {
        let waiting = self.waiting_for_login();
        join_all(waiting.iter().map(|live| async move {
            live.nudge().await;
            live.settle(patience).await
        }))
        .await;
    }
}
