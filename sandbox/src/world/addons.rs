//! Making an add-on: new, or restored from another.

use std::time::Duration;

use tokio::time::Instant;

use super::lookup::SERVICE;
use super::personal::no_addon;
use super::state::{Addon, Attachment, State};
use super::{Error, World};
use crate::secrets::hex;

/// How long a new add-on is "provisioning": long enough to be waited for.
const PROVISIONING: Duration = Duration::from_secs(2);

/// What a caller of `POST /apps/{app}/addons` wants.
pub(crate) struct Create {
    pub(crate) app: String,
    pub(crate) plan: String,
    pub(crate) restore_token: Option<String>,
    pub(crate) attachment: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    #[error("Couldn't find that app.")]
    NoApp,
    #[error("Couldn't find either the add-on service or the add-on plan of \"{0}\".")]
    NoPlan(String),
    #[error("Restore token is not valid")]
    BadToken,
    #[error("Name is already taken")]
    AttachmentTaken,
    #[error(transparent)]
    World(#[from] Error),
}

impl World {
    pub(crate) async fn create_addon(&self, wanted: Create) -> Result<Addon, CreateError> {
        let mut state = self.state().await;
        let app = state.app(&wanted.app).ok_or(CreateError::NoApp)?.name.clone();
        if wanted.plan.split(':').next() != Some(SERVICE) {
            return Err(CreateError::NoPlan(wanted.plan));
        }
        let restored_from = match &wanted.restore_token {
            Some(token) => Some(state.source_of(token).ok_or(CreateError::BadToken)?.to_owned()),
            None => None,
        };
        let attachment = state.attachment_name(&app, wanted.attachment)?;
        let database = self.new_database(&state.next_database_name()).await?;
        let name = format!("borealis-pg-hex-{}", hex(5));
        let mut addon = Addon::new(&name, (SERVICE, &wanted.plan), &app, Some(database));
        addon.restored_from = restored_from;
        addon.ready_at = Instant::now() + PROVISIONING;
        state.addons.push(addon.clone());
        state.attachments.push(Attachment::new(&app, &attachment, &name));
        self.authorize(&state)?;
        Ok(addon)
    }
}

impl World {
    /// As `heroku addons:attach --as NAME --confirm APP` of another add-on.
    pub(crate) async fn attach(&self, app: &str, name: &str, addon: &str) -> Result<(), Error> {
        let mut state = self.state().await;
        state.addon(addon).ok_or_else(|| no_addon(addon))?;
        state.attachments.retain(|one| (one.app.as_str(), one.name.as_str()) != (app, name));
        state.attachments.push(Attachment::new(app, name, addon));
        Ok(())
    }
}

impl State {
    fn attachment_name(&self, app: &str, wanted: Option<String>) -> Result<String, CreateError> {
        let taken = |name: &str| self.attachments_of_app(app).iter().any(|one| one.name == name);
        match wanted {
            Some(name) if taken(&name) => Err(CreateError::AttachmentTaken),
            Some(name) => Ok(name),
            None if taken("DATABASE") => Ok(format!("BOREALIS_PG_{}", hex(4).to_uppercase())),
            None => Ok("DATABASE".to_owned()),
        }
    }
}
