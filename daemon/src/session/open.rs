//! The way from what a person typed to a live session.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
        check(request)?;
        // A session that is open needs nobody's word for what its target is, and waits for nobody
        // who has to ask for theirs.
        if let Some(live) = self.open_already(&target, request)
            && self.keep(&live, request).await?
        {
            return Ok((live, false));
        }
        let attached = self.resolve(&self.addon_meant(target)?).await?;
        self.sessions().iter().for_each(|live| live.whereabouts.learn(&attached));
        let key = Key { owner: owner(&attached, request.identity), access: request.access };
        let _turn = self.opening().await;
        if self.closing().is_cancelled() {
            return Err(Error::Stopping);
        }
        // Another name of the same add-on; or somebody else was faster.
        if let Some(live) = self.sessions().into_iter().find(|live| is(live, &key))
            && self.keep(&live, request).await?
        {
            return Ok((live, false));
        }
        let listener = self.listen(&key, request).await?;
        let port = port_of(&listener)?;
        let live = self.start(Plan {
            id: self.unused_id(),
            attached,
            key,
            ephemeral: request.ephemeral,
            port,
            listener: Some(listener),
        });
        if request.ephemeral {
            self.expect_hold(&live);
        } else {
            self.remember().await;
        }
        Ok((live, true))
    }

    /// A session's id means the add-on behind it, wherever its attachment has gone since.
    ///
    /// # Errors
    /// When there is no such session.
    pub fn addon_meant(&self, target: Target) -> Result<Target, Error> {
        let Target::Session(id) = target else { return Ok(target) };
        let live = self.find(&id)?;
        Ok(Target::Attachment { app: live.app.clone(), attachment: live.addon.clone() })
    }

    fn open_already(&self, target: &Target, request: &OpenSession) -> Option<Arc<Live>> {
        // An id says which access is meant, so that `-w` beside it is only more.
        let any_access = matches!(target, Target::Session(_)) && request.access == Access::ReadOnly;
        let fits = |live: &Arc<Live>| {
            let session = live.show();
            target.matches(&session)
                && !live.accepting.is_cancelled()
                && (any_access || session.access == request.access)
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

    /// Whether the open session, which is one that the request can be met by, is there for it.
    async fn keep(&self, live: &Arc<Live>, request: &OpenSession) -> Result<bool, Error> {
        if let Some(port) = request.port.filter(|port| *port != live.port) {
            return Err(Error::BadRequest(format!(
                "{} is open on port {} already; to move it to {port}, close it first: \
                 borealisctl down {}",
                live.target(),
                live.port,
                live.id
            )));
        }
        Ok(if request.ephemeral { self.expect_hold(live) } else { self.want(live).await })
    }

    /// A taken port is an answer at once, before anything is asked of the service. The port of a
    /// session that waits for it is taken, too: it will be this session's again.
    async fn listen(&self, key: &Key, request: &OpenSession) -> Result<TcpListener, Error> {
        let sessions = self.sessions();
        let kept =
            |port| sessions.iter().any(|live| live.port == port && !live.accepting.is_cancelled());
        let (asked, bound) = match request.port {
            Some(port) if kept(port) => (port, Err(io::ErrorKind::AddrInUse.into())),
            Some(port) => (port, endpoint::bind(port).await),
            // It never outlives its holder, so nobody remembers where it was.
            None if request.identity == Identity::Application => (0, endpoint::bind(0).await),
            None => (0, endpoint::bind_preferred(&key.name(), kept).await),
        };
        bound.map_err(|source| Error::PortTaken { port: asked, source })
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
            holders: Locked::default(),
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

fn check(request: &OpenSession) -> Result<(), Error> {
    let wrong = if request.access == Access::Unknown || request.identity == Identity::Unknown {
        "the client is newer than the daemon"
    } else if request.identity == Identity::Application && !request.ephemeral {
        "a session of the application's users cannot outlive the request that holds it"
    } else {
        return Ok(());
    };
    Err(Error::BadRequest(wrong.to_owned()))
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
