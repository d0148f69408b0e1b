//! The way from what a person typed to a live session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use borealis_proto::{Access, Identity, OpenSession, SessionId, Target};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::backends::Backends;
use super::database::{Database, Source};
use super::endpoint;
use super::error::Error;
use super::live::{Gauge, Key, Live};
use super::manager::{Manager, Opened};
use super::memory::Memory;
use super::whereabouts::Whereabouts;
use crate::credentials::Owner;
use crate::heroku::Attached;
use crate::locked::Locked;
use crate::tunnel::Traffic;

/// Everything that is decided before a session lives.
pub(super) struct Plan {
    pub(super) id: SessionId,
    pub(super) attached: Attached,
    pub(super) key: Key,
    pub(super) ephemeral: bool,
    pub(super) port: u16,
    /// `None`: the port is taken just now, and will be tried again.
    pub(super) listener: Option<TcpListener>,
}

impl Manager {
    /// Opens a session, or finds the one that is open already, and waits for it as long as the
    /// request allows.
    ///
    /// # Errors
    /// When no session could be made. One that was made and is not up is no error.
    pub async fn open(&self, request: OpenSession) -> Result<Opened, Error> {
        let (live, new) = self.find_or_make(&request).await?;
        if !new {
            live.nudge().await;
        }
        let session = live.settle(Duration::from_millis(request.wait_ms)).await;
        Ok(Opened { session, new })
    }

    async fn find_or_make(&self, request: &OpenSession) -> Result<(Arc<Live>, bool), Error> {
        let target: Target = request.target.parse()?;
        if request.access == Access::Unknown || request.identity == Identity::Unknown {
            return Err(Error::BadRequest("the client is newer than the daemon".to_owned()));
        }
        if request.identity == Identity::Application && !request.ephemeral {
            return Err(Error::BadRequest(
                "a session of the application's users cannot outlive the request that holds it"
                    .to_owned(),
            ));
        }
        let _turn = self.opening().await;
        // A session that is open needs nobody's word for what its target is.
        if let Some(live) = self.open_already(&target, request) {
            return Ok((self.keep(live, request).await?, false));
        }
        if let Target::Session(id) = target {
            return Err(Error::NotFound(id));
        }
        let attached = self.heroku().resolve(&target).await?;
        self.sessions().iter().for_each(|live| live.whereabouts.learn(&attached));
        let key = Key { owner: owner(&attached, request.identity), access: request.access };
        // Another name of the same add-on.
        if let Some(live) = self.sessions().into_iter().find(|live| is(live, &key)) {
            return Ok((self.keep(live, request).await?, false));
        }
        let listener = listen(&key, request).await?;
        let port = port_of(&listener)?;
        let plan = Plan {
            id: self.unused_id(),
            attached,
            key,
            ephemeral: request.ephemeral,
            port,
            listener: Some(listener),
        };
        let live = self.start(plan);
        if request.ephemeral {
            self.expect_hold(live.clone());
        } else {
            self.remember().await;
        }
        Ok((live, true))
    }

    fn open_already(&self, target: &Target, request: &OpenSession) -> Option<Arc<Live>> {
        let fits = |live: &Arc<Live>| {
            let session = live.show();
            target.matches(&session)
                && !live.accepting.is_cancelled()
                && session.access == request.access
                && session.identity == request.identity
        };
        let mut found = self.sessions().into_iter().filter(fits);
        match (target, found.next(), found.next()) {
            // An app's name may mean another add-on than the one that is open.
            (Target::Name(name), Some(live), None) if live.is_addon(name) => Some(live),
            (Target::Attachment { .. } | Target::Session(_), Some(live), None) => Some(live),
            _ => None,
        }
    }

    /// The open session, if the request can be met by it.
    async fn keep(&self, live: Arc<Live>, request: &OpenSession) -> Result<Arc<Live>, Error> {
        if let Some(port) = request.port.filter(|port| *port != live.port) {
            return Err(Error::BadRequest(format!(
                "{} is open on port {} already; to move it to {port}, close it first: \
                 borealisctl down {}",
                live.target(),
                live.port,
                live.id
            )));
        }
        if !request.ephemeral && live.ephemeral.swap(false, Ordering::Relaxed) {
            self.remember().await;
        }
        Ok(live)
    }

    /// Brings a planned session to life.
    pub(super) fn start(&self, plan: Plan) -> Arc<Live> {
        let tasks = self.tasks().group();
        let accepting = CancellationToken::new();
        let whereabouts = Arc::new(Whereabouts::new(self.heroku().clone(), plan.attached.clone()));
        let source = Source {
            vault: self.vault().clone(),
            owner: plan.key.owner.clone(),
            access: plan.key.access,
            whereabouts: whereabouts.clone(),
        };
        let database = Database::start(source, &tasks, accepting.clone());
        let live = Arc::new(Live {
            id: plan.id,
            app: plan.attached.app,
            attachment: plan.attached.attachment,
            addon: plan.attached.addon,
            addon_id: plan.attached.addon_id,
            tunnel: self.tunnels().acquire(&plan.key.owner, whereabouts.clone()),
            key: plan.key,
            port: plan.port,
            database,
            whereabouts,
            ephemeral: AtomicBool::new(plan.ephemeral),
            holds: AtomicUsize::new(0),
            traffic: Traffic::default(),
            gauge: Gauge::default(),
            backends: Backends::default(),
            proved_at: Locked::default(),
            stirred: Notify::new(),
            accepting,
            serving: CancellationToken::new(),
            connections: self.tasks().group(),
            tasks,
            memory: Locked::new(Memory::new()),
            room: self.room().clone(),
            unsaved: self.unsaved().clone(),
            forgotten: AtomicBool::new(false),
            changes: self.changes_sender(),
        });
        info!(session = %live.id, addon = live.addon, access = %live.key.access, port = live.port,
            ephemeral = plan.ephemeral, "session opened");
        live.keep_up(plan.listener);
        self.insert(live.clone());
        live
    }

    fn unused_id(&self) -> SessionId {
        loop {
            let id = SessionId::new(&random_suffix());
            if self.find(&id).is_err() {
                return id;
            }
        }
    }
}

fn is(live: &Live, key: &Key) -> bool {
    live.key == *key && !live.accepting.is_cancelled()
}

pub(super) fn owner(attached: &Attached, identity: Identity) -> Owner {
    let addon = attached.addon.clone();
    match identity {
        Identity::Personal | Identity::Unknown => Owner::Personal { addon },
        Identity::Application => Owner::Application {
            addon,
            app: attached.app.clone(),
            attachment: attached.attachment.clone(),
        },
    }
}

/// A taken port is an answer at once, before anything is asked of the service.
async fn listen(key: &Key, request: &OpenSession) -> Result<TcpListener, Error> {
    let (asked, bound) = match request.port {
        Some(port) => (port, endpoint::bind(port).await),
        None if request.ephemeral => (0, endpoint::bind(0).await),
        None => (0, endpoint::bind_preferred(&key.name()).await),
    };
    bound.map_err(|source| Error::PortTaken { port: asked, source })
}

fn port_of(listener: &TcpListener) -> Result<u16, Error> {
    let address = listener.local_addr();
    address.map(|address| address.port()).map_err(|source| Error::PortTaken { port: 0, source })
}

/// Four characters that cannot be mistaken for each other.
fn random_suffix() -> String {
    const LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
    (0..4)
        .filter_map(|_| LETTERS.get(rand::random_range(0..LETTERS.len())))
        .map(|letter| char::from(*letter))
        .collect()
}
