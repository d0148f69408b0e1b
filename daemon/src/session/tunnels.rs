//! The tunnels that are open: one for each owner of SSH credentials, shared by its sessions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::keys::Keys;
use crate::credentials::{Owner, Vault};
use crate::locked::Locked;
use crate::tasks::Tasks;
use crate::tunnel::{Connector, Tunnel};

struct Shared {
    sessions: usize,
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
    pub(super) fn acquire(&self, owner: &Owner) -> Arc<Tunnel> {
        let mut open = self.open.lock();
        let shared = match open.entry(owner.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                entry.insert(Shared { sessions: 0, tunnel: Arc::new(self.start(owner)) })
            }
        };
        shared.sessions += 1;
        shared.tunnel.clone()
    }

    /// Gives up one session's share. The last one ends the tunnel.
    pub(super) async fn release(&self, owner: &Owner) {
        let last = {
            let mut open = self.open.lock();
            match open.entry(owner.clone()) {
                Entry::Occupied(mut entry) if entry.get().sessions > 1 => {
                    entry.get_mut().sessions -= 1;
                    None
                }
                Entry::Occupied(entry) => Some(entry.remove().tunnel),
                Entry::Vacant(_) => None,
            }
        };
        if let Some(tunnel) = last {
            tunnel.stop().await;
            self.vault.forget(owner);
        }
    }

    /// Every open tunnel.
    pub(super) fn all(&self) -> Vec<Arc<Tunnel>> {
        self.open.lock().values().map(|shared| shared.tunnel.clone()).collect()
    }

    fn start(&self, owner: &Owner) -> Tunnel {
        let keys = Keys { vault: self.vault.clone(), owner: owner.clone() };
        let name = match owner {
            Owner::Personal { addon } => addon.clone(),
            Owner::Application { addon, app, .. } => format!("{addon} (as {app})"),
        };
        let connector = self.connector.clone();
        Tunnel::start(name, Arc::new(keys), connector, self.links, self.tasks.group())
    }
}
