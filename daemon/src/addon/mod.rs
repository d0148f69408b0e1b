//! What is done to an add-on itself, and asked about it: one call for each command.
//!
//! A call resolves its target, has a short-lived authorization made, asks the service, and leaves
//! the authorization to its lease, which revokes it whatever happens. Nothing is held between two
//! calls. What destroys or disturbs can be made to depend on the add-on's name ([`Confirm`]), which
//! is compared here, after the target is resolved and before anything is done.

mod confirm;
mod error;
mod extensions;
mod parts;
mod restore;

use std::sync::Arc;

use borealis_proto::{AddonIdentity, Target};

pub use confirm::Confirm;
pub use error::Error;

use crate::borealis::Borealis;
use crate::credentials::{Lease, Vault};
use crate::heroku::{Attached, Heroku};

/// Does what is asked of an add-on. Clones are the same.
#[derive(Clone, Debug)]
pub struct Addons {
    heroku: Heroku,
    borealis: Borealis,
    /// Makes authorizations, and sees at the daemon's end that they are gone.
    vault: Arc<Vault>,
}

/// One add-on, for one call.
struct Visit {
    attached: Attached,
    lease: Lease,
}

/// In all of it a target is an app's or an add-on's; a session's id means nothing here.
impl Addons {
    /// From a client of each API.
    #[must_use]
    pub fn new(heroku: Heroku, borealis: Borealis, vault: Arc<Vault>) -> Self {
        Self { heroku, borealis, vault }
    }

    /// Which add-on a target means.
    ///
    /// # Errors
    /// When it means none, or more than one.
    pub async fn identity(&self, target: &Target) -> Result<AddonIdentity, Error> {
        let Attached { app, attachment, addon, .. } = self.heroku.resolve(target).await?;
        Ok(AddonIdentity { addon_name: addon, app_name: app, attachment_name: attachment })
    }

    async fn visit(&self, target: &Target) -> Result<Visit, Error> {
        self.visit_if(target, &Confirm::default(), None).await
    }

    /// `part` is what goes away, where that is not all of the add-on.
    async fn visit_if(
        &self,
        target: &Target,
        confirm: &Confirm,
        part: Option<&str>,
    ) -> Result<Visit, Error> {
        let attached = self.heroku.resolve(target).await?;
        confirm.check(&attached.addon, part)?;
        Ok(Visit { attached, lease: self.vault.lease().await? })
    }
}
