//! Gives a tunnel its SSH credentials out of the vault.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::credentials::{Generation, Owner, SshCredentials, Vault};
use crate::fault::Failure;
use crate::tunnel::KeySource;

/// The keys of one owner.
pub(super) struct Keys {
    pub(super) vault: Arc<Vault>,
    pub(super) owner: Owner,
}

impl KeySource for Keys {
    fn key(
        &self,
        refused: Option<Generation>,
    ) -> BoxFuture<'static, Result<Arc<SshCredentials>, Failure>> {
        let (vault, owner) = (self.vault.clone(), self.owner.clone());
        async move { vault.ssh(&owner, refused).await.map_err(|error| error.failure()) }.boxed()
    }
}
