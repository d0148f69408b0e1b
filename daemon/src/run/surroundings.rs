//! What happens on this machine and in this process, and nobody tells us.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use borealis_proto::SessionId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::heroku::Login;
use crate::platform::{self, Beat, DaemonLock, LockError, SystemClocks};
use crate::secret::Secret;
use crate::session::Manager;

/// How soon a login that somebody made is noticed.
const LOGIN_LOOK: Duration = Duration::from_secs(15);

/// Watches all of it.
pub(super) async fn watch(
    manager: Manager,
    login: Arc<Login>,
    lock: Arc<DaemonLock>,
    beat: Beat,
    shutdown: CancellationToken,
) {
    tokio::join!(
        watch_for_wake(manager.clone(), beat, shutdown.clone()),
        watch_for_login(manager.clone(), login, shutdown.clone()),
        watch_the_lock(manager, lock, beat, shutdown.clone()),
        platform::give_memory_back(shutdown),
    );
}

/// Somebody may have removed the state directory. Then it is made again, unless another daemon was
/// started meanwhile: of two, one has to go.
async fn watch_the_lock(
    manager: Manager,
    lock: Arc<DaemonLock>,
    beat: Beat,
    shutdown: CancellationToken,
) {
    let watching = async {
        let mut looks = beat.ticks();
        loop {
            looks.tick().await;
            let lock = lock.clone();
            match tokio::task::spawn_blocking(move || lock.renew()).await {
                Ok(Ok(false)) | Err(_) => {}
                Ok(Ok(true)) => {
                    warn!("the state directory was removed: it is made again");
                    manager.remember().await;
                }
                Ok(Err(error @ LockError::Held { .. })) => {
                    error!(%error, "another daemon has taken over");
                    shutdown.cancel();
                }
                Ok(Err(error)) => debug!(%error, "there is no place for the lock"),
            }
        }
    };
    shutdown.run_until_cancelled(watching).await;
}

/// Somebody may have logged in with the Heroku CLI, which tells nobody. Only looked for while a
/// session waits for that, and without asking Heroku.
async fn watch_for_login(manager: Manager, login: Arc<Login>, shutdown: CancellationToken) {
    let watching = async {
        let mut changes = manager.changes();
        let mut tried = LoginTried::default();
        loop {
            if manager.who_waits_for_login().is_empty() {
                tried = LoginTried::default();
                if changes.changed().await.is_err() {
                    return;
                }
                continue;
            }
            tokio::time::sleep(LOGIN_LOOK).await;
            let found = login.glance().await.ok().map(|found| found.token);
            if tried.is_news(found, manager.who_waits_for_login()) {
                manager.login_changed().await;
            }
        }
    };
    shutdown.run_until_cancelled(watching).await;
}

/// After sleep, and when the network has changed, every link is suspect.
async fn watch_for_wake(manager: Manager, beat: Beat, shutdown: CancellationToken) {
    let (wakes, mut woken) = watch::channel(0);
    let clocks = SystemClocks::default();
    let sleep = platform::watch_for_wake(clocks, beat, wakes.clone(), shutdown.clone());
    let network = platform::watch_for_network(wakes, shutdown.clone());
    let waking = async {
        while woken.changed().await.is_ok() {
            manager.wake().await;
        }
    };
    tokio::join!(sleep, network, waking);
}

/// Which login was tried last, and for whom.
#[derive(Default)]
struct LoginTried(Option<(Secret<String>, BTreeSet<SessionId>)>);

impl LoginTried {
    /// Whether what was found is worth a try: it is another login than the one that was tried, or
    /// somebody waits for whom it was not. After none was found, any is.
    fn is_news(&mut self, found: Option<Secret<String>>, waiting: BTreeSet<SessionId>) -> bool {
        let Some(found) = found else {
            self.0 = None;
            return false;
        };
        let known = |(tried, whom): &(Secret<String>, BTreeSet<SessionId>)| {
            *tried == found && waiting.is_subset(whom)
        };
        if self.0.as_ref().is_some_and(known) {
            return false;
        }
        self.0 = Some((found, waiting));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str) -> Option<Secret<String>> {
        Some(Secret::new(text.to_owned()))
    }

    fn waiting(ids: &[&str]) -> BTreeSet<SessionId> {
        ids.iter().map(|id| SessionId::new(id)).collect()
    }

    #[test]
    fn a_login_is_tried_once_for_each_that_waits() {
        let mut tried = LoginTried::default();
        assert!(!tried.is_news(None, waiting(&["a"])));
        assert!(tried.is_news(login("one"), waiting(&["a"])));
        assert!(!tried.is_news(login("one"), waiting(&["a"])), "it was refused");
        assert!(tried.is_news(login("one"), waiting(&["a", "b"])), "b has not tried it");
        assert!(!tried.is_news(login("one"), waiting(&["b"])));
        assert!(tried.is_news(login("two"), waiting(&["b"])));
    }

    #[test]
    fn the_same_login_is_news_when_it_was_away() {
        let mut tried = LoginTried::default();
        assert!(tried.is_news(login("one"), waiting(&["a"])));
        assert!(!tried.is_news(None, waiting(&["a"])));
        assert!(tried.is_news(login("one"), waiting(&["a"])));
    }
}
