//! Gives a tunnel its SSH credentials out of the vault.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::whereabouts::{self, Whereabouts};
use crate::credentials::{Owner, SshCredentials, Vault, Want};
use crate::fault::Failure;
use crate::locked::Locked;
use crate::tunnel::KeySource;

/// Guards what the sessions of one tunnel were opened as.
pub(super) type Sharers = Arc<Locked<Vec<Arc<Whereabouts>>>>;

/// The keys of one owner.
pub(super) struct Keys {
    pub(super) vault: Arc<Vault>,
    pub(super) owner: Owner,
    pub(super) sharers: Sharers,
}

impl KeySource for Keys {
    fn key(&self, want: Want) -> BoxFuture<'static, Result<Arc<SshCredentials>, Failure>> {
        let (vault, owner) = (self.vault.clone(), self.owner.clone());
        let sharers = self.sharers.lock().clone();
        async move {
            let minted = async { vault.ssh(&owner, want).await.map_err(|error| error.failure()) };
            whereabouts::guarded(&sharers, want, minted).await
        }
        .boxed()
    }
}
