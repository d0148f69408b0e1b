//! The network between a client and sshd: a TCP relay whose port the APIs announce, and which can
//! cut, stall, delay, lose, forget and refuse.

mod pump;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::warn;

use pump::{Weather, pump};

/// Between attempts to listen again on a port that is just being given up by somebody else.
const REBIND_INTERVAL: Duration = Duration::from_millis(20);

/// What went through the relay so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RelayStats {
    /// Connections accepted, ever.
    pub accepted: u64,
    /// Connections open now.
    pub open: usize,
    /// Bytes that came from clients.
    pub from_clients: u64,
    /// Bytes that came from sshd.
    pub to_clients: u64,
}

#[derive(Debug)]
pub(crate) struct Relay {
    port: u16,
    sshd: SocketAddr,
    weather: watch::Sender<Weather>,
    /// Whether connections are wanted; written by faults, read by the accept loop.
    wanted: watch::Sender<bool>,
    /// Whether the port is bound; written by the accept loop, awaited by faults.
    bound: watch::Sender<bool>,
    /// Guards the open connections; never held across an await.
    open: Mutex<HashMap<u64, Open>>,
    accepted: AtomicU64,
    from_clients: AtomicU64,
    to_clients: AtomicU64,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

#[derive(Debug)]
struct Open {
    cut: CancellationToken,
    /// Cancelled when nothing passes any more, and nobody is told.
    forgotten: CancellationToken,
    /// Cancelled when the connection is closed.
    gone: CancellationToken,
    /// Our port towards sshd, by which sshd's log names the connection.
    towards_sshd: Option<u16>,
}

impl Relay {
    pub(crate) async fn start(
        port: u16,
        sshd: u16,
        tasks: &TaskTracker,
        cancel: &CancellationToken,
    ) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let relay = Arc::new(Self {
            port,
            sshd: (Ipv4Addr::LOCALHOST, sshd).into(),
            weather: watch::Sender::new(Weather::default()),
            wanted: watch::Sender::new(true),
            bound: watch::Sender::new(true),
            open: Mutex::default(),
            accepted: AtomicU64::new(0),
            from_clients: AtomicU64::new(0),
            to_clients: AtomicU64::new(0),
            tasks: tasks.clone(),
            cancel: cancel.clone(),
        });
        let accepting = Arc::clone(&relay).accept_while_wanted(listener);
        tasks.spawn(cancel.clone().run_until_cancelled_owned(accepting));
        Ok(relay)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn stats(&self) -> RelayStats {
        RelayStats {
            accepted: self.accepted.load(Ordering::Relaxed),
            open: self.open().len(),
            from_clients: self.from_clients.load(Ordering::Relaxed),
            to_clients: self.to_clients.load(Ordering::Relaxed),
        }
    }

    /// Resets all connections; returns when they are gone.
    pub(crate) async fn cut(&self) {
        Self::wait(self.cut_where(|_| true)).await;
    }

    /// Resets the connections that sshd sees coming from these ports; returns when they are gone.
    pub(crate) async fn cut_from(&self, ports: &[u16]) {
        let ours = |open: &Open| open.towards_sshd.is_some_and(|port| ports.contains(&port));
        Self::wait(self.cut_where(ours)).await;
    }

    pub(crate) fn stall(&self) {
        self.weather.send_modify(|weather| weather.stalled = true);
    }

    pub(crate) fn delay(&self, round_trip: Duration) {
        self.weather.send_modify(|weather| weather.one_way = round_trip / 2);
    }

    /// So many of a hundred packets are lost in each direction.
    pub(crate) fn lose(&self, percent: u8) {
        self.weather.send_modify(|weather| weather.loss = percent);
    }

    /// Nothing passes any more on the connections of now, as after a NAT has lost its table; new
    /// ones are well.
    pub(crate) fn forget(&self) {
        self.open().values().for_each(|open| open.forgotten.cancel());
    }

    /// Good weather again, and the port open. What was forgotten stays so.
    pub(crate) async fn resume(&self) {
        self.weather.send_replace(Weather::default());
        self.listen().await;
    }

    /// Gives up the port; returns when connecting to it is refused.
    pub(crate) async fn refuse(&self) {
        self.set_wanted(false).await;
    }

    /// Takes the port again; returns when connecting to it works.
    pub(crate) async fn listen(&self) {
        self.set_wanted(true).await;
    }

    async fn set_wanted(&self, wanted: bool) {
        self.wanted.send_replace(wanted);
        let mut bound = self.bound.subscribe();
        tokio::select! {
            _ = bound.wait_for(|bound| *bound == wanted) => {}
            () = self.cancel.cancelled() => {}
        }
    }

    async fn accept_while_wanted(self: Arc<Self>, first: TcpListener) {
        let mut wanted = self.wanted.subscribe();
        let mut listener = Some(first);
        loop {
            match listener.take() {
                Some(listener) => {
                    self.bound.send_replace(true);
                    tokio::select! {
                        () = self.accept(&listener) => {}
                        _ = wanted.wait_for(|wanted| !wanted) => {}
                    }
                    drop(listener);
                    self.bound.send_replace(false);
                }
                None => {
                    if wanted.wait_for(|wanted| *wanted).await.is_err() {
                        return;
                    }
                    listener = self.bind().await;
                }
            }
        }
    }

    /// `None` after a short while when somebody else still has the port.
    async fn bind(&self) -> Option<TcpListener> {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await {
            Ok(listener) => Some(listener),
            Err(error) => {
                warn!(port = self.port, %error, "relay cannot listen yet");
                sleep(REBIND_INTERVAL).await;
                None
            }
        }
    }

    async fn accept(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((client, _)) => {
                    let id = self.accepted.fetch_add(1, Ordering::Relaxed);
                    let cut = self.cancel.child_token();
                    // Counted from here, so that a cut never misses one that is just beginning.
                    let gone = CancellationToken::new();
                    let open = Open {
                        cut: cut.clone(),
                        forgotten: CancellationToken::new(),
                        gone: gone.clone(),
                        towards_sshd: None,
                    };
                    let forgotten = open.forgotten.clone();
                    self.open().insert(id, open);
                    let serving = Arc::clone(self).serve(id, client, (cut, forgotten));
                    self.tasks.spawn(with(serving, gone.drop_guard()));
                }
                Err(error) => {
                    warn!(%error, "relay cannot accept");
                    sleep(REBIND_INTERVAL).await;
                }
            }
        }
    }

    async fn serve(
        self: Arc<Self>,
        id: u64,
        mut client: TcpStream,
        (cut, forgotten): (CancellationToken, CancellationToken),
    ) {
        let carried = self.carry(id, &mut client, &forgotten);
        let finished = cut.run_until_cancelled(carried).await;
        if !matches!(finished, Some(Ok(()))) {
            // A reset, not a polite end: that is what a lost connection looks like.
            if let Err(error) = client.set_zero_linger() {
                warn!(%error, "cannot reset a connection");
            }
        }
        drop(client);
        self.open().remove(&id);
    }

    async fn carry(
        &self,
        id: u64,
        client: &mut TcpStream,
        forgotten: &CancellationToken,
    ) -> io::Result<()> {
        let one_way = self.weather.borrow().one_way;
        if !one_way.is_zero() {
            // A server hears of a connection when its client already takes it to be made.
            sleep(one_way).await;
        }
        let mut sshd = TcpStream::connect(self.sshd).await?;
        client.set_nodelay(true)?;
        sshd.set_nodelay(true)?;
        let port = sshd.local_addr()?.port();
        if let Some(open) = self.open().get_mut(&id) {
            open.towards_sshd = Some(port);
        }
        let pumped = async {
            let (client_read, client_write) = client.split();
            let (sshd_read, sshd_write) = sshd.split();
            let weather = || self.weather.subscribe();
            tokio::try_join!(
                pump(client_read, sshd_write, weather(), &self.from_clients),
                pump(sshd_read, client_write, weather(), &self.to_clients),
            )
        };
        match forgotten.run_until_cancelled(pumped).await {
            Some(ended) => ended.map(drop),
            // Both stay open, and neither hears of the other. Ours to end with the client's, so
            // that nothing is left over.
            None => tokio::io::copy(client, &mut tokio::io::sink()).await.map(drop),
        }
    }

    /// What is cancelled when the chosen connections are closed.
    fn cut_where(&self, chosen: impl Fn(&Open) -> bool) -> Vec<CancellationToken> {
        let open = self.open();
        let cut = open.values().filter(|one| chosen(one)).inspect(|one| one.cut.cancel());
        cut.map(|one| one.gone.clone()).collect()
    }

    async fn wait(all: Vec<CancellationToken>) {
        for gone in all {
            gone.cancelled().await;
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of the guard when the work is done or dropped.
async fn with(work: impl Future<Output = ()>, guard: DropGuard) {
    work.await;
    drop(guard);
}
