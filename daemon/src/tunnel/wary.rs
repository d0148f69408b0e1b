//! No key is presented again once the server has refused it to the supervisor: not by the
//! supervisor, and not by the keeper of the further links.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::traits::{ConnectError, Connector, Link};
use crate::credentials::{Generation, SshCredentials};
use crate::locked::Locked;

/// Guards the generations that were refused: a few a day at most, as the vault has a ceiling.
type Refusals = Arc<Locked<BTreeSet<Generation>>>;
type Made = Result<Arc<dyn Link>, ConnectError>;

/// A connector that remembers what was refused.
pub(super) struct Wary {
    connector: Arc<dyn Connector>,
    refusals: Refusals,
}

/// One that goes by what [`Wary`] remembers, and adds nothing: a further link may be refused because
/// it is one too many, with a key that is good.
struct Heeding {
    connector: Arc<dyn Connector>,
    refusals: Refusals,
}

impl Wary {
    pub(super) fn new(connector: Arc<dyn Connector>) -> Self {
        Self { connector, refusals: Refusals::default() }
    }

    /// For further links.
    pub(super) fn heeding(&self) -> Arc<dyn Connector> {
        Arc::new(Heeding { connector: self.connector.clone(), refusals: self.refusals.clone() })
    }
}

impl Connector for Wary {
    fn connect(&self, credentials: Arc<SshCredentials>) -> BoxFuture<'static, Made> {
        let (generation, refusals) = (credentials.generation, self.refusals.clone());
        let connected = unless_refused(&refusals, &*self.connector, credentials);
        async move {
            let made = connected.await;
            if let Err(ConnectError::KeyRefused { .. }) = made {
                refusals.lock().insert(generation);
            }
            made
        }
        .boxed()
    }
}

impl Connector for Heeding {
    fn connect(&self, credentials: Arc<SshCredentials>) -> BoxFuture<'static, Made> {
        unless_refused(&self.refusals, &*self.connector, credentials)
    }
}

fn unless_refused(
    refusals: &Refusals,
    connector: &dyn Connector,
    credentials: Arc<SshCredentials>,
) -> BoxFuture<'static, Made> {
    if !refusals.lock().contains(&credentials.generation) {
        return connector.connect(credentials);
    }
    let address = format!("{}:{}", credentials.host, credentials.port);
    let user = credentials.user.clone();
    std::future::ready(Err(ConnectError::KeyRefused { address, user })).boxed()
}
