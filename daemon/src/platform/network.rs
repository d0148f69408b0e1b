//! Notices that the way out of this machine changed: another Wi-Fi, a cable, a VPN, which may come
//! with an address or only with routes. The links that went the old way are dead and do not know.

use std::time::Duration;

use futures_util::StreamExt;
use if_watch::tokio::IfWatcher;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

#[cfg(target_os = "linux")]
use super::routes::follow as follow_routes;

/// Changes come in bunches, one address after the other …
const SETTLE: Duration = Duration::from_millis(500);
/// … and a bunch that does not end is told of all the same.
const LONGEST: Duration = Duration::from_secs(3);
/// No two are told closer together: each has every link asked for a sign of life.
const REST: Duration = Duration::from_secs(5);

/// Adds one to `changes` after each bunch of them, until cancelled. Where the system does not tell,
/// says so once and leaves it at that: the keepalive is slower, not wrong.
pub async fn watch_for_network(changes: watch::Sender<u64>, cancel: CancellationToken) {
    let news = watch::Sender::new(());
    let following = async {
        tokio::join!(
            pass_on(news.subscribe(), changes),
            async {
                if let Err(error) = follow_addresses(&news).await {
                    warn!(%error, "the system does not tell of changes of addresses");
                }
            },
            follow_routes(&news),
        );
    };
    cancel.run_until_cancelled(following).await;
}

/// Makes one change out of a bunch of them.
async fn pass_on(mut news: watch::Receiver<()>, changes: watch::Sender<u64>) {
    while news.changed().await.is_ok() {
        let latest = Instant::now() + LONGEST;
        while matches!(timeout_at(latest, timeout(SETTLE, news.changed())).await, Ok(Ok(Ok(())))) {}
        info!("the network changed");
        changes.send_modify(|changes| *changes += 1);
        tokio::time::sleep(REST).await;
    }
}

/// Elsewhere the addresses alone have to do.
#[cfg(not(target_os = "linux"))]
async fn follow_routes(_: &watch::Sender<()>) {}

async fn follow_addresses(news: &watch::Sender<()>) -> std::io::Result<()> {
    let mut watcher = IfWatcher::new()?;
    // It begins with what is there.
    while let Ok(Some(event)) = timeout(SETTLE, watcher.next()).await {
        event?;
    }
    debug!("the addresses are watched");
    while let Some(event) = watcher.next().await {
        event?;
        news.send_replace(());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sender of news, and how many changes came of them.
    fn passing() -> (watch::Sender<()>, watch::Receiver<u64>, impl Future<Output = ()>) {
        let (news, heard) = watch::channel(());
        let (changes, told) = watch::channel(0);
        (news, told, pass_on(heard, changes))
    }

    #[tokio::test(start_paused = true)]
    async fn a_bunch_is_one_change() {
        let (news, told, passing) = passing();
        let script = async {
            for _ in 0..5 {
                news.send_replace(());
                tokio::time::sleep(SETTLE / 2).await;
            }
            tokio::time::sleep(SETTLE).await;
            assert_eq!(*told.borrow(), 1);
            tokio::time::sleep(REST).await;
            assert_eq!(*told.borrow(), 1);
            news.send_replace(());
            tokio::time::sleep(2 * SETTLE).await;
            assert_eq!(*told.borrow(), 2);
            drop(news);
        };
        tokio::join!(passing, script);
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_is_told_of_and_becomes_no_storm_of_ours() {
        let (news, told, passing) = passing();
        let script = async {
            for _ in 0..600 {
                news.send_replace(());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            drop(news);
        };
        tokio::join!(passing, script);
        let changes = *told.borrow();
        assert!((7..=9).contains(&changes), "one in 8 s of 60 s: {changes}");
    }
}
