//! The tunnels that are open: one for each owner of SSH credentials, shared by its sessions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::keys::{Keys, Sharers};
use super::whereabouts::Whereabouts;
use crate::credentials::{Owner, Vault};
use crate::locked::Locked;
use crate::tasks::Tasks;
use crate::tunnel::{Connector, Tunnel};

struct Shared {
    sharers: Sharers,
    tunnel: Arc<Tunnel>,
}

/// See the module.
pub(super) struct Tunnels {
    vault: Arc<Vault>,
    connector: Arc<dyn Connector>,
    /// Links that a tunnel may have.
    links: usize,
    tasks: Tasks,
    /// Guards which tunnels are open and for how many sessions.
    open: Locked<HashMap<Owner, Shared>>,
}

impl Tunnels {
    pub(super) fn new(
        vault: Arc<Vault>,
        connector: Arc<dyn Connector>,
        links: usize,
        tasks: Tasks,
    ) -> Self {
        Self { vault, connector, links, tasks, open: Locked::default() }
    }

    /// The owner's tunnel, started if there is none. Each call wants one [`Tunnels::release`].
    pub(super) fn acquire(&self, owner: &Owner, sharer: Arc<Whereabouts>) -> Arc<Tunnel> {
        let mut open = self.open.lock();
        let shared = match open.entry(owner.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let sharers = Sharers::new(Locked::new(vec![sharer]));
                let tunnel = Arc::new(self.start(owner, sharers.clone()));
                return entry.insert(Shared { sharers, tunnel }).tunnel.clone();
            }
        };
        shared.sharers.lock().push(sharer);
        shared.tunnel.clone()
    }

    /// Gives up one session's share. The last one ends the tunnel.
    pub(super) async fn release(&self, owner: &Owner, sharer: &Arc<Whereabouts>) {
        let last = {
            let mut open = self.open.lock();
            match open.entry(owner.clone()) {
                Entry::Vacant(_) => None,
                Entry::Occupied(entry) => {
                    let unused = {
                        let mut sharers = entry.get().sharers.lock();
                        sharers.retain(|one| !Arc::ptr_eq(one, sharer));
                        sharers.is_empty()
                    };
                    unused.then(|| {
                        // While no successor can have credentials of its own.
                        self.vault.forget(owner);
                        entry.remove().tunnel
                    })
                }
            }
        };
        if let Some(tunnel) = last {
            tunnel.stop().await;
        }
    }

    /// Every open tunnel.
    pub(super) fn all(&self) -> Vec<Arc<Tunnel>> {
        self.open.lock().values().map(|shared| shared.tunnel.clone()).collect()
    }

    fn start(&self, owner: &Owner, sharers: Sharers) -> Tunnel {
        let keys = Keys { vault: self.vault.clone(), owner: owner.clone(), sharers };
        let name = match owner {
            Owner::Personal { addon } => addon.clone(),
            Owner::Application { addon, app, .. } => format!("{addon} (as {app})"),
        };
        let connector = self.connector.clone();
        Tunnel::start(name, Arc::new(keys), connector, self.links, self.tasks.group())
    }
}
