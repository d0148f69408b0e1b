//! Notices that an address of this machine came or went: another Wi-Fi, a cable, a VPN. The links
//! that went over it are dead and do not know.

use std::time::Duration;

use futures_util::StreamExt;
use if_watch::tokio::IfWatcher;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// Changes come in bunches, one address after the other.
const SETTLE: Duration = Duration::from_millis(500);

/// Adds one to `changes` after each bunch of them, until cancelled. Where the system does not tell,
/// says so once and leaves it at that: the keepalive is slower, not wrong.
pub async fn watch_for_network(changes: watch::Sender<u64>, cancel: CancellationToken) {
    if let Some(Err(error)) = cancel.run_until_cancelled(follow(changes)).await {
        warn!(%error, "the system does not tell of changes of the network");
    }
}

async fn follow(changes: watch::Sender<u64>) -> std::io::Result<()> {
    let mut watcher = IfWatcher::new()?;
    // It begins with what is there.
    settle(&mut watcher).await?;
    debug!("the network is watched");
    while let Some(event) = watcher.next().await {
        event?;
        settle(&mut watcher).await?;
        info!("the network changed");
        changes.send_modify(|changes| *changes += 1);
    }
    Ok(())
}

/// Waits until nothing more comes.
async fn settle(watcher: &mut IfWatcher) -> std::io::Result<()> {
    while let Ok(Some(event)) = timeout(SETTLE, watcher.next()).await {
        event?;
    }
    Ok(())
}
