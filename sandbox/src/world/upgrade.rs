//! Major version upgrades: told, not done. The real server stays what it is.

use std::time::Duration;

use tokio::time::Instant;

use super::personal::no_addon;
use super::state::{Database, Upgrade};
use super::{Error, World};

/// The newest version in service.
const NEWEST: u32 = 17;
/// How long the service says that it is upgrading. Long enough to be looked at and cancelled.
const TAKES: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(crate) enum UpgradeError {
    #[error("The database already has the newest supported PostgreSQL version")]
    Newest,
    #[error("The add-on is undergoing maintenance")]
    Running,
    #[error("No PostgreSQL version upgrade is in progress")]
    NotRunning,
    #[error(transparent)]
    World(#[from] Error),
}

impl Database {
    /// The running upgrade; one whose time is over has happened.
    pub(crate) fn upgrading(&mut self) -> Option<Upgrade> {
        let upgrade = self.upgrade?;
        if Instant::now() < upgrade.done_at {
            return Some(upgrade);
        }
        self.major = upgrade.target;
        self.upgrade = None;
        None
    }

    pub(crate) fn next_major(&self) -> Option<u32> {
        Some(self.major + 1).filter(|next| *next <= NEWEST)
    }
}

impl World {
    /// From and to.
    pub(crate) async fn start_upgrade(&self, addon: &str) -> Result<(u32, u32), UpgradeError> {
        let mut state = self.state().await;
        let database = state.database_mut(addon).ok_or_else(|| no_addon(addon))?;
        if database.upgrading().is_some() {
            return Err(UpgradeError::Running);
        }
        let target = database.next_major().ok_or(UpgradeError::Newest)?;
        database.upgrade = Some(Upgrade { target, done_at: Instant::now() + TAKES });
        Ok((database.major, target))
    }

    pub(crate) async fn cancel_upgrade(&self, addon: &str) -> Result<(), UpgradeError> {
        let mut state = self.state().await;
        let database = state.database_mut(addon).ok_or_else(|| no_addon(addon))?;
        database.upgrading().ok_or(UpgradeError::NotRunning)?;
        database.upgrade = None;
        Ok(())
    }
}
