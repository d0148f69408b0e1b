//! A new add-on with the data of another, and how far it is.

use std::time::Duration;

use borealis_proto::{AddonState, Restore, Target};
use tokio::time::{Instant, sleep};

use super::{Addons, Confirm, Error};
use crate::borealis::{self, Refusal};
use crate::credentials::Lease;
use crate::fault::Fault;
use crate::heroku::NewAddon;

/// What Heroku calls our plans begins with it.
const SERVICE: &str = "borealis-pg:";

/// Between two looks. Heroku takes some 4,500 requests an hour of an account, and a restore takes
/// minutes.
const LOOK: Duration = Duration::from_secs(3);

impl Addons {
    /// Has Heroku make an add-on out of another one. It is ready later: see [`Addons::state`].
    ///
    /// # Errors
    /// When the source cannot be restored, or Heroku does not take plan, app or name.
    pub async fn restore(
        &self,
        target: &Target,
        wish: Restore,
        confirm: &Confirm,
    ) -> Result<AddonState, Error> {
        let source = self.heroku.resolve(target).await?;
        confirm.check(&source.addon, None)?;
        let plan = match wish.plan_name {
            Some(plan) if plan.starts_with(SERVICE) => plan,
            Some(plan) => format!("{SERVICE}{plan}"),
            None => self.heroku.addon_state(&source.addon_id).await?.plan.name,
        };
        let restore_token = {
            let lease = self.vault.lease().await?;
            self.borealis.restore_token(&source.addon, lease.token()).await?
        };
        let app = wish.destination_app.unwrap_or(source.app);
        tracing::info!(addon = source.addon, app, plan, "restoring");
        let new = NewAddon {
            plan,
            restore_token,
            restore_to_time: wish.restore_to_time,
            attachment: wish.attachment_name,
        };
        Ok(self.heroku.create_addon(&app, &new).await?)
    }

    /// How far an add-on is: answers once it is provisioned or has failed, or when `patience` is
    /// over.
    ///
    /// # Errors
    /// When Heroku or the service does not know it, or did not answer to the last look either.
    pub async fn state(&self, target: &Target, patience: Duration) -> Result<AddonState, Error> {
        let deadline = Instant::now() + patience;
        let addon = self.heroku.resolve(target).await?.addon_id;
        let mut lease = None;
        loop {
            let seen = self.look(&addon, &mut lease).await;
            match pause(&seen) {
                Some(pause) if Instant::now() + pause <= deadline => sleep(pause).await,
                Some(_) | None => return seen,
            }
        }
    }

    /// Heroku's word alone is not enough: an add-on that it takes to be provisioned may be one that
    /// the service still works on.
    async fn look(&self, addon: &str, lease: &mut Option<Lease>) -> Result<AddonState, Error> {
        let mut seen = self.heroku.addon_state(addon).await?;
        if seen.is_provisioned() && self.is_provisioning(&seen.name, lease).await? {
            AddonState::PROVISIONING.clone_into(&mut seen.state);
        }
        Ok(seen)
    }

    async fn is_provisioning(&self, addon: &str, lease: &mut Option<Lease>) -> Result<bool, Error> {
        let lease = match lease {
            Some(lease) if !lease.is_worn() => lease,
            Some(_) | None => lease.insert(self.vault.lease().await?),
        };
        match self.borealis.info(addon, lease.token()).await {
            Ok(info) => Ok(info.is_provisioning()),
            Err(borealis::Error::Refused { refusal: Refusal::Provisioning, .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

/// Until the next look; none when there is nothing more to be seen.
fn pause(seen: &Result<AddonState, Error>) -> Option<Duration> {
    match seen {
        Ok(state) => state.is_provisioning().then_some(LOOK),
        Err(error) => match error.fault() {
            Fault::Transient => Some(LOOK),
            Fault::Paced { first, .. } => Some(first),
            Fault::StaleCredentials | Fault::Missing | Fault::Elsewhere | Fault::Blocked { .. } => {
                None
            }
        },
    }
}
