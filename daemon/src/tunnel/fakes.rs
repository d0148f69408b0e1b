//! What stands below a tunnel in its tests: keys, a server that answers as a script says, links
//! that do what they are told.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::credentials::{Generation, Secret, SshCredentials, Want};
use crate::fault::Failure;
use crate::locked::Locked;
use crate::tasks::Tasks;

/// Links that a tunnel may have.
pub(crate) const MOST: usize = 3;

#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) minted: AtomicU64,
    pub(crate) failures: Locked<VecDeque<Failure>>,
    /// The next so many calls panic.
    pub(crate) faults: AtomicUsize,
}

impl KeySource for Keys {
    fn key(&self, want: Want) -> BoxFuture<'static, Result<Arc<SshCredentials>, Failure>> {
        let fault = |left: usize| left.checked_sub(1);
        let fault = self.faults.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fault);
        assert!(fault.is_err(), "on purpose");
        let held = self.minted.load(Ordering::SeqCst);
        if held == 0 || want.beyond() == Some(Generation(held)) {
            if let Some(failure) = self.failures.lock().pop_front() {
                return std::future::ready(Err(failure)).boxed();
            }
            self.minted.fetch_add(1, Ordering::SeqCst);
        }
        let generation = Generation(self.minted.load(Ordering::SeqCst));
        let credentials = SshCredentials {
            host: "h".into(),
            port: 22,
            user: "u".into(),
            private_key: Secret::new("k".to_owned()),
            host_key: "p".into(),
            generation,
        };
        std::future::ready(Ok(Arc::new(credentials))).boxed()
    }
}

/// What the fake SSH server does with the next attempts; then it accepts everybody.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Accept,
    RefuseKey,
    Unreachable,
    WrongHostKey,
    Panic,
}

#[derive(Default)]
pub(crate) struct Server {
    pub(crate) script: Locked<VecDeque<Answer>>,
    /// Refuses every attempt while set.
    pub(crate) down: AtomicBool,
    pub(crate) attempts: AtomicUsize,
    /// The keys of users `u1` to this one are refused.
    pub(crate) withdrawn: AtomicUsize,
    /// Whoever was refused once, and how often somebody came back with it.
    pub(crate) refused: Arc<Locked<BTreeSet<Generation>>>,
    pub(crate) used_again: AtomicUsize,
    /// The keys that it took.
    pub(crate) took: Arc<Locked<BTreeSet<usize>>>,
    pub(crate) links: Arc<Locked<Vec<Arc<FakeLink>>>>,
}

impl Connector for Server {
    fn connect(
        &self,
        credentials: Arc<SshCredentials>,
    ) -> BoxFuture<'static, Result<Arc<dyn Link>, ConnectError>> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        let number = credentials.user.trim_start_matches('u').parse().unwrap_or(usize::MAX);
        if self.refused.lock().contains(&credentials.generation) {
            self.used_again.fetch_add(1, Ordering::SeqCst);
        }
        let mut answer = self.script.lock().pop_front().unwrap_or(Answer::Accept);
        if self.down.load(Ordering::SeqCst) {
            answer = Answer::Unreachable;
        } else if number <= self.withdrawn.load(Ordering::SeqCst) {
            answer = Answer::RefuseKey;
        }
        let (address, links) = ("h:22".to_owned(), self.links.clone());
        let (refused, took) = (self.refused.clone(), self.took.clone());
        // Not before it is polled: an attempt that is dropped leaves no link.
        async move {
            match answer {
                Answer::Accept => {
                    took.lock().insert(number);
                    let link = Arc::new(FakeLink::default());
                    links.lock().push(link.clone());
                    Ok(link as Arc<dyn Link>)
                }
                Answer::RefuseKey => {
                    refused.lock().insert(credentials.generation);
                    Err(ConnectError::KeyRefused { address, user: "u".into() })
                }
                Answer::Unreachable => Err(ConnectError::Unreachable {
                    address,
                    source: std::io::ErrorKind::ConnectionRefused.into(),
                }),
                Answer::Panic => panic!("on purpose"),
                Answer::WrongHostKey => Err(ConnectError::HostKeyChanged {
                    address,
                    pinned: "SHA256:a".into(),
                    presented: "SHA256:b".into(),
                }),
            }
        }
        .boxed()
    }
}

pub(crate) struct FakeLink {
    pub(crate) end: watch::Sender<Option<LinkEnd>>,
    pub(crate) busy: watch::Sender<bool>,
    pub(crate) load: Locked<Load>,
    pub(crate) opened: AtomicUsize,
    pub(crate) probed: AtomicUsize,
    pub(crate) worn: AtomicBool,
}

impl Default for FakeLink {
    fn default() -> Self {
        Self {
            end: watch::Sender::new(None),
            busy: watch::Sender::new(false),
            load: Locked::default(),
            opened: AtomicUsize::new(0),
            probed: AtomicUsize::new(0),
            worn: AtomicBool::new(false),
        }
    }
}

impl FakeLink {
    pub(crate) fn cut(&self) {
        self.end.send_replace(Some(LinkEnd::Broken("cut".into())));
    }

    pub(crate) fn closed(&self) -> bool {
        *self.end.borrow() == Some(LinkEnd::Closed)
    }
}

pub(crate) struct Silent;

impl ChannelReader for Silent {
    fn read<'a>(&'a mut self, _batch: &'a mut Vec<Bytes>) -> BoxFuture<'a, Read> {
        std::future::pending().boxed()
    }
}

impl ChannelWriter for Silent {
    fn write(&mut self, _data: Bytes) -> BoxFuture<'_, Result<(), ChannelLost>> {
        std::future::ready(Ok(())).boxed()
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), ChannelLost>> {
        std::future::ready(Ok(())).boxed()
    }
}

impl Link for FakeLink {
    fn open(&self, _host: &str, _port: u16) -> BoxFuture<'static, Result<Channel, OpenError>> {
        let alive = self.is_alive();
        self.opened.fetch_add(1, Ordering::SeqCst);
        let opening = Opening::since(Instant::now());
        let cut = CancellationToken::new();
        let channel = Channel { reader: Box::new(Silent), writer: Box::new(Silent), opening, cut };
        std::future::ready(if alive { Ok(channel) } else { Err(OpenError::LinkLost) }).boxed()
    }

    fn ended(&self) -> BoxFuture<'static, LinkEnd> {
        let mut end = self.end.subscribe();
        async move { end.wait_for(Option::is_some).await.unwrap().clone().unwrap() }.boxed()
    }

    fn is_alive(&self) -> bool {
        self.end.borrow().is_none()
    }

    fn probe(&self) -> BoxFuture<'static, bool> {
        self.probed.fetch_add(1, Ordering::SeqCst);
        std::future::ready(self.is_alive()).boxed()
    }

    fn load(&self) -> Load {
        let channels = usize::from(*self.busy.borrow());
        Load { channels, ..*self.load.lock() }
    }

    fn is_worn(&self) -> bool {
        self.worn.load(Ordering::SeqCst)
    }

    fn idle(&self) -> BoxFuture<'static, ()> {
        let mut busy = self.busy.subscribe();
        async move {
            busy.wait_for(|busy| !busy).await.unwrap();
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        self.end.send_if_modified(|end| end.is_none() && end.replace(LinkEnd::Closed).is_none());
        std::future::ready(()).boxed()
    }
}

pub(crate) struct World {
    pub(crate) keys: Arc<Keys>,
    pub(crate) server: Arc<Server>,
    pub(crate) tunnel: Tunnel,
    pub(crate) all: TaskTracker,
}

impl World {
    pub(crate) fn new(script: &[Answer]) -> Self {
        Self::with_failures(script, Vec::new())
    }

    pub(crate) fn with_failures(script: &[Answer], failures: Vec<Failure>) -> Self {
        let keys = Arc::new(Keys { failures: Locked::new(failures.into()), ..Keys::default() });
        let server = Arc::new(Server::default());
        server.script.lock().extend(script);
        let all = TaskTracker::new();
        let tunnel =
            Tunnel::start("t".into(), keys.clone(), server.clone(), MOST, Tasks::new(&all));
        Self { keys, server, tunnel, all }
    }

    pub(crate) async fn phase(&self, phase: Phase) {
        let mut status = self.tunnel.status();
        status.wait_for(|now| now.phase == phase).await.unwrap();
    }

    pub(crate) async fn open(&self, patience: u64) -> Result<Channel, NoChannel> {
        self.tunnel.open("db", 5432, Company::Alone, Duration::from_secs(patience)).await
    }

    pub(crate) fn link(&self, index: usize) -> Arc<FakeLink> {
        self.server.links.lock()[index].clone()
    }

    pub(crate) fn minted(&self) -> u64 {
        self.keys.minted.load(Ordering::SeqCst)
    }

    pub(crate) fn attempts(&self) -> usize {
        self.server.attempts.load(Ordering::SeqCst)
    }

    pub(crate) async fn stop(self) {
        self.tunnel.stop().await;
        assert_eq!(self.all.len(), 0, "no task is left");
        assert!(self.server.links.lock().iter().all(|link| !link.is_alive()), "no link is left");
    }
}
