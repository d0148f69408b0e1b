//! Calls that ask the service one thing.

use borealis_proto::{
    AddonInfo, DbUsers, IntegrationLogin, Integrations, RegisterIntegration, RestoreCapabilities,
    Target, UpgradeInfo, UpgradeStarted,
};

use super::{Addons, Confirm, Error};

/// Every method: an error says whether Heroku, the service or the confirmation stands against it.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Addons {
    /// The add-on at a glance.
    pub async fn info(&self, target: &Target) -> Result<AddonInfo, Error> {
        let visit = self.visit(target).await?;
        Ok(self.borealis.info(&visit.attached.addon, visit.lease.token()).await?)
    }

    /// Who may log in to the database.
    pub async fn users(&self, target: &Target) -> Result<DbUsers, Error> {
        let visit = self.visit(target).await?;
        Ok(self.borealis.db_users(&visit.attached.addon, visit.lease.token()).await?)
    }

    /// New users for the application; personal ones end.
    pub async fn reset_users(&self, target: &Target, confirm: &Confirm) -> Result<(), Error> {
        let visit = self.visit_if(target, confirm, None).await?;
        let addon = &visit.attached.addon;
        tracing::info!(addon, "resetting all database credentials");
        Ok(self.borealis.reset_credentials(addon, visit.lease.token()).await?)
    }

    /// Which data integrations there are.
    pub async fn integrations(&self, target: &Target) -> Result<Integrations, Error> {
        let visit = self.visit(target).await?;
        Ok(self.borealis.integrations(&visit.attached.addon, visit.lease.token()).await?)
    }

    /// Lets a program of somebody else's log in.
    pub async fn register_integration(
        &self,
        target: &Target,
        wish: &RegisterIntegration,
    ) -> Result<IntegrationLogin, Error> {
        let visit = self.visit(target).await?;
        let (addon, token) = (&visit.attached.addon, visit.lease.token());
        tracing::info!(addon, integration = wish.integration_name, "registering");
        Ok(self.borealis.register_integration(addon, token, wish).await?)
    }

    /// Lets it log in no more.
    pub async fn remove_integration(
        &self,
        target: &Target,
        name: &str,
        confirm: &Confirm,
    ) -> Result<(), Error> {
        let visit = self.visit_if(target, confirm, Some(name)).await?;
        let (addon, token) = (&visit.attached.addon, visit.lease.token());
        tracing::info!(addon, integration = name, "removing");
        Ok(self.borealis.remove_integration(addon, token, name).await?)
    }

    /// What can be restored.
    pub async fn restore_capabilities(
        &self,
        target: &Target,
    ) -> Result<RestoreCapabilities, Error> {
        let visit = self.visit(target).await?;
        let (addon, token) = (&visit.attached.addon, visit.lease.token());
        Ok(self.borealis.restore_capabilities(addon, token).await?)
    }

    /// Where the add-on stands with major versions.
    pub async fn upgrade(&self, target: &Target) -> Result<UpgradeInfo, Error> {
        let visit = self.visit(target).await?;
        Ok(self.borealis.upgrade(&visit.attached.addon, visit.lease.token()).await?)
    }

    /// Begins an upgrade: nobody gets in while it runs.
    pub async fn start_upgrade(
        &self,
        target: &Target,
        confirm: &Confirm,
    ) -> Result<UpgradeStarted, Error> {
        let visit = self.visit_if(target, confirm, None).await?;
        let addon = &visit.attached.addon;
        tracing::info!(addon, "upgrading");
        Ok(self.borealis.start_upgrade(addon, visit.lease.token()).await?)
    }

    /// Stops an upgrade that is under way.
    pub async fn cancel_upgrade(&self, target: &Target, confirm: &Confirm) -> Result<(), Error> {
        let visit = self.visit_if(target, confirm, None).await?;
        let addon = &visit.attached.addon;
        tracing::info!(addon, "cancelling the upgrade");
        Ok(self.borealis.cancel_upgrade(addon, visit.lease.token()).await?)
    }
}
