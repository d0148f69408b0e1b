//! One authenticated SSH connection.

use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use russh::client::{Handle, Msg};
use russh::{ChannelWriteHalf, Disconnect, Error};
use tokio::runtime;
use tokio::sync::{Mutex, oneshot};
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::channel;
use super::config::{CLOSE_TIMEOUT, OPEN_DOUBT, OPEN_TIMEOUT, PROBE_TIMEOUT};
use super::flow;
use super::handler::SshHandler;
use super::parting::{self, Parting};
use super::silence;
use super::socket::SocketGuard;
use super::state::LinkState;
use crate::platform;
use crate::tasks::Tasks;
use crate::tunnel::{Channel, Link, LinkEnd, Load, OpenError, Opening};

/// Where a channel pretends to come from; sshd logs it.
const ORIGINATOR: (&str, u32) = ("127.0.0.1", 0);

/// What a server answers, with yes or no, while it lives.
const KEEPALIVE: &str = "keepalive@openssh.com";

/// A link. Ends when the last of it and its channels is dropped, or when it is closed.
pub(super) struct SshLink {
    core: Arc<Core>,
}

/// What a link shares with its channels, which keep it alive.
pub(super) struct Core {
    handle: Handle<SshHandler>,
    pub(super) state: Arc<LinkState>,
    socket: Arc<SocketGuard>,
    /// Held by who asks on behalf of all that wait for channels.
    asking: Mutex<()>,
    tasks: Tasks,
    /// Halves of a channel may be dropped outside the runtime.
    runtime: runtime::Handle,
}

impl SshLink {
    pub(super) fn new(
        handle: Handle<SshHandler>,
        socket: Arc<SocketGuard>,
        state: Arc<LinkState>,
        tasks: Tasks,
    ) -> Self {
        let runtime = runtime::Handle::current();
        let core =
            Arc::new(Core { handle, state, socket, asking: Mutex::default(), tasks, runtime });
        core.watch();
        Self { core }
    }
}

impl Link for SshLink {
    fn open(&self, host: &str, port: u16) -> BoxFuture<'static, Result<Channel, OpenError>> {
        let (core, host) = (Arc::clone(&self.core), host.to_owned());
        async move {
            let (answer, opened) = oneshot::channel();
            let (tasks, asked) = (core.tasks.clone(), core.state.asked());
            // Its own task, because russh leaves a channel open when this future is dropped and
            // the server confirms late. Here a late channel finds nobody, is dropped, and closes.
            tasks.spawn(async move {
                let opened = core.open(host, port).await;
                drop(asked);
                let _ = answer.send(opened);
            });
            match timeout(OPEN_TIMEOUT, opened).await {
                Ok(Ok(result)) => result,
                Ok(Err(_task_died)) => Err(OpenError::LinkLost),
                Err(_elapsed) => Err(OpenError::TimedOut),
            }
        }
        .boxed()
    }

    fn ended(&self) -> BoxFuture<'static, LinkEnd> {
        let state = Arc::clone(&self.core.state);
        async move {
            state.ended().cancelled().await;
            state.reason().unwrap_or(LinkEnd::Closed)
        }
        .boxed()
    }

    fn is_alive(&self) -> bool {
        !self.core.state.ended().is_cancelled()
    }

    fn probe(&self) -> BoxFuture<'static, bool> {
        let core = Arc::clone(&self.core);
        async move { core.probe().await }.boxed()
    }

    fn load(&self) -> Load {
        self.core.state.load()
    }

    fn is_worn(&self) -> bool {
        self.core.state.is_worn()
    }

    fn idle(&self) -> BoxFuture<'static, ()> {
        let state = Arc::clone(&self.core.state);
        async move {
            tokio::select! {
                () = state.idle() => (),
                () = state.ended().cancelled() => (),
            }
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        let core = Arc::clone(&self.core);
        async move { core.close().await }.boxed()
    }
}

impl Core {
    /// Keeps clients from holding each other up, and the server from keeping them waiting. Hangs up
    /// as soon as the link has ended, also when a supervisor or a connection still holds it; and
    /// lets whoever joins the tasks wait for that.
    fn watch(self: &Arc<Self>) {
        let (state, socket) = (Arc::clone(&self.state), Arc::downgrade(&self.socket));
        let doubt = silence::doubt(Arc::downgrade(self), state.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = state.ended().cancelled() => (),
                () = flow::relieve(&state) => (),
                () = doubt => (),
            }
            if let Some(socket) = socket.upgrade() {
                socket.shut_down();
            }
            debug!(reason = ?state.reason(), "the SSH link has ended");
            platform::memory_was_freed();
        });
    }

    async fn open(self: Arc<Self>, host: String, port: u16) -> Result<Channel, OpenError> {
        let (from, from_port) = ORIGINATOR;
        let asked_at = Instant::now();
        self.state.silence().begin();
        let asked = self.handle.channel_open_direct_tcpip(host, u32::from(port), from, from_port);
        let confirmed = tokio::select! {
            confirmed = beside(asked, self.doubt_the_opening()) => confirmed,
            () = self.state.ended().cancelled() => return Err(OpenError::LinkLost),
        };
        self.state.silence().heard();
        match confirmed {
            Ok(channel) => Ok(channel::wrap(&self, channel, Opening::since(asked_at))),
            Err(Error::ChannelOpenFailure(why)) => {
                Err(OpenError::Refused(why.description().to_owned()))
            }
            Err(_session_gone) => Err(OpenError::LinkLost),
        }
    }

    /// A refusal is as good an answer as any. russh's own ping is content with a dead session.
    ///
    /// On a slow way the question may wait behind megabytes of an upload, and its answer behind a
    /// download: as long as these move, the link is not dead.
    pub(super) async fn probe(&self) -> bool {
        let mut asked = pin!(self.handle.send_global_request(KEEPALIVE, &[], true));
        let mut before = self.socket.progress();
        loop {
            let answered = tokio::select! {
                biased;
                // First, because russh writes an ERROR into the log about an answer that will not
                // come.
                () = self.state.ended().cancelled() => return false,
                answered = timeout(PROBE_TIMEOUT, &mut asked) => answered,
            };
            match answered {
                Ok(Ok(_) | Err(Error::RequestDenied)) => return true,
                Ok(Err(_session_gone)) => return false,
                Err(_elapsed) if self.socket.has_unread() => {
                    debug!("the SSH link waits for a client that does not read");
                    return true;
                }
                Err(_elapsed) => {}
            }
            let now = self.socket.progress();
            if !now.moved_since(before) {
                self.state.end(LinkEnd::Silent);
                return false;
            }
            debug!("the SSH server's answer waits behind what is under way");
            before = now;
        }
    }

    /// Somebody waits for a channel: is nobody there, they are still to be served in time by
    /// another link.
    async fn doubt_the_opening(&self) {
        tokio::time::sleep(OPEN_DOUBT).await;
        // One question is enough, however many wait.
        let _asking = self.asking.lock().await;
        self.probe().await;
    }

    /// The goodbye may not get out: the network is gone, or the session waits for a client that
    /// does not read. Then the socket is shut down without it.
    async fn close(&self) {
        self.state.declare(LinkEnd::Closed);
        let goodbye = async {
            let said = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
            if said.is_ok() {
                self.state.ended().cancelled().await;
            }
        };
        if timeout(CLOSE_TIMEOUT, goodbye).await.is_err() {
            debug!("the SSH server got no goodbye");
        }
        self.state.end(LinkEnd::Closed);
    }

    /// Ends a channel from wherever its last half was dropped.
    pub(super) fn part(
        &self,
        half: Arc<ChannelWriteHalf<Msg>>,
        parting: Arc<Parting>,
        finished: bool,
    ) {
        let state = Arc::clone(&self.state);
        let _inside = self.runtime.enter();
        self.tasks.spawn(async move {
            tokio::select! {
                () = parting::part(&state, &half, parting, finished) => (),
                () = state.ended().cancelled() => (),
            }
        });
    }
}

/// The work's result; the doubt goes on beside it, and decides nothing.
async fn beside<T>(work: impl Future<Output = T>, doubt: impl Future<Output = ()>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = doubt => {}
    }
    work.await
}
