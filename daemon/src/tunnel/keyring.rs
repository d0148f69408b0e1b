//! What a supervisor knows of its SSH credentials: which it has, which the server took or refuses,
//! and which a person has had enough of. From that follows what is asked of the vault.

use std::sync::Arc;

use borealis_proto::{CredentialKind, Renewed};

use super::pace::Unreached;
use super::traits::{Connector, KeySource, Link};
use crate::credentials::{Asker, Generation, Past, Refused, SshCredentials, Want};
use crate::fault::{Failure, Fault};
use crate::instant;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Keyring {
    held: Option<Arc<SshCredentials>>,
    /// The credentials that the server took last.
    taken: Option<Generation>,
    /// The server refuses these: they are not used again.
    refused: Option<Refused>,
    /// A person wants others than these: if there are none, they serve on.
    unwanted: Option<Generation>,
    /// Since when nobody answers where these lead.
    unreached: Unreached,
    /// They may lead to where the server no longer is: if there are no others, they serve on.
    astray: bool,
    /// The last renewal that no person asked for.
    renewed: Option<Renewed>,
}

/// What credentials that are held now are to those that were held before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The same.
    None,
    /// Others.
    Fresh,
    /// Others, because the server refused those; nobody asked for it.
    Renewed,
}

/// What became of the making of a link beside the one that serves.
pub(super) struct Successor {
    /// What the server refused on the way.
    refused: Option<Refused>,
    pub(super) made: Result<(Arc<SshCredentials>, Arc<dyn Link>), Failure>,
}

impl Keyring {
    pub(super) fn held(&self) -> Option<&Arc<SshCredentials>> {
        self.held.as_ref()
    }

    pub(super) fn renewed(&self) -> Option<Renewed> {
        self.renewed.clone()
    }

    pub(super) fn want(&self) -> Want {
        let astray = self.held.as_ref().filter(|_| self.astray).map(|held| held.generation);
        Want::of(self.unwanted, self.refused, astray)
    }

    /// Keeps the credentials.
    pub(super) fn hold(&mut self, credentials: Arc<SshCredentials>) -> News {
        let before = self.held.replace(credentials.clone()).map(|held| held.generation);
        let refused = self.refused.take();
        self.astray = false;
        if self.unwanted.take().is_some() {
            self.renewed = None;
        } else if refused.is_some() {
            self.renewed = Some(Renewed {
                credential: CredentialKind::SshKey,
                at: instant::now(),
                reason: "the SSH server refused it".to_owned(),
            });
            return News::Renewed;
        }
        if before == Some(credentials.generation) { News::None } else { News::Fresh }
    }

    /// The server takes what is held.
    pub(super) fn took(&mut self) {
        self.taken = self.held.as_ref().map(|held| held.generation);
        self.unreached.over();
    }

    /// Nobody answers where what is held leads.
    pub(super) fn unreached(&mut self) {
        self.astray |= self.unreached.again();
    }

    /// The service was asked where else to go, in vain. Says whether it was asked for that.
    pub(super) fn stay(&mut self) -> bool {
        std::mem::take(&mut self.astray)
    }

    /// The server refuses what is held.
    pub(super) fn refuse(&mut self) {
        self.refused = self.held.as_ref().map(|held| refused(held.generation, self.taken));
        self.unwanted = None;
    }

    /// What a successor came upon.
    pub(super) fn learn(&mut self, successor: &Successor) {
        let known = self.refused.into_iter().chain(successor.refused);
        self.refused = known.max_by_key(|refused| refused.generation);
    }

    /// A person wants others.
    pub(super) fn reject(&mut self) {
        let refused = self.refused.map(|refused| refused.generation);
        self.unwanted = self.held.as_ref().map(|held| held.generation).max(refused);
    }

    /// Others than a person rejects cannot be had: what is held is better than nothing, if the
    /// server takes it. Says whether a person did.
    pub(super) fn fall_back(&mut self) -> bool {
        self.unwanted.take().is_some()
    }

    /// Makes a link while another serves. As on the way up, credentials that worked and are refused
    /// are renewed; new ones are not, because others may be no better.
    pub(super) fn succeed(
        &self,
        keys: Arc<dyn KeySource>,
        connector: Arc<dyn Connector>,
    ) -> impl Future<Output = Successor> + Send + use<> {
        let (want, taken) = (self.want(), self.taken);
        async move {
            let first = make(&*keys, &*connector, want, taken).await;
            match first.refused {
                Some(worn @ Refused { past: Past::Worked, .. }) => {
                    let second = make(&*keys, &*connector, Want::Renewed(worn), taken).await;
                    Successor { refused: second.refused.or(first.refused), ..second }
                }
                Some(_) | None => first,
            }
        }
    }
}

async fn make(
    keys: &dyn KeySource,
    connector: &dyn Connector,
    want: Want,
    taken: Option<Generation>,
) -> Successor {
    let credentials = match keys.key(want).await {
        Ok(credentials) => credentials,
        Err(failure) => return Successor { refused: None, made: Err(failure) },
    };
    let generation = credentials.generation;
    let link = connector.connect(credentials.clone()).await;
    let made = link.map(|link| (credentials, link)).map_err(|error| error.failure());
    let stale = made.as_ref().is_err_and(|failure| failure.fault == Fault::StaleCredentials);
    Successor { refused: stale.then(|| refused(generation, taken)), made }
}

/// What is refused, in the light of what was taken last.
fn refused(generation: Generation, taken: Option<Generation>) -> Refused {
    let past = if taken == Some(generation) { Past::Worked } else { Past::New };
    Refused { generation, past, found_by: Asker::Daemon }
}
