//! A new link, new credentials: on request, and told as it went.

use std::time::Duration;

use borealis_proto::{ErrorCode, Reason, Session, SessionId};
use tokio::time::{Instant, timeout_at};

use super::error::Error;
use super::live::Live;
use super::manager::Manager;
use crate::fault::Failure;

impl Manager {
    /// A new link for the session's tunnel, now. What else the session waits for, it tries again.
    ///
    /// # Errors
    /// When there is no such session, or no new link could be made while the old one serves on.
    pub async fn reconnect(&self, id: &SessionId, wait: Duration) -> Result<Session, Error> {
        let live = self.find(id)?;
        let replaced = async {
            let (link, ()) = tokio::join!(live.tunnel.replace(false), live.database.retry());
            link
        };
        within(wait, replaced, &live).await
    }

    /// New credentials of both kinds, and a link that uses them, now.
    ///
    /// # Errors
    /// When there is no such session, or the service refuses while the old credentials serve on.
    pub async fn refresh(&self, id: &SessionId, wait: Duration) -> Result<Session, Error> {
        let live = self.find(id)?;
        let renewed = async {
            let (link, database) = tokio::join!(live.tunnel.replace(true), live.database.refresh());
            link.and(database.map(drop))
        };
        within(wait, renewed, &live).await
    }
}

/// What was to be done, and what the session has come to by then, in `wait` both together.
async fn within(
    wait: Duration,
    work: impl Future<Output = Result<(), Failure>>,
    live: &Live,
) -> Result<Session, Error> {
    let deadline = Instant::now() + wait;
    let done = timeout_at(deadline, work).await.unwrap_or_else(|_late| Err(late()));
    let rest = deadline.saturating_duration_since(Instant::now());
    let session = live.settle(rest).await;
    match done {
        // A session that is not up says itself why. One that is up must not hide that nothing is
        // new.
        Err(failure) if session.reason.is_none() => Err(live.not_up(failure)),
        Ok(()) | Err(_) => Ok(session),
    }
}

fn late() -> Failure {
    Failure {
        fault: crate::fault::Fault::Transient,
        reason: Reason {
            code: ErrorCode::TimedOut,
            message: "nothing new in time; what was there serves on".to_owned(),
            hint: Some("try again with a longer --timeout".to_owned()),
        },
    }
}
