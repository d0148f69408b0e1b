//! An SSH server that takes every key, and then does what no OpenSSH does. The host that a channel
//! is asked for says what.

use std::collections::HashMap;
use std::sync::Arc;

use borealisd::credentials::SshCredentials;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Session};
use russh::server::{VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId, Error};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::bench::{Bench, listener};

/// A host whose channel is opened, and says what it is told.
pub(crate) const ECHO: &str = "echo";
/// A host whose channel is neither opened nor refused; see [`Rogue::asked`].
pub(crate) const SWALLOW: &str = "swallow";
/// As [`ECHO`], and before each answer the server opens channels to us.
pub(crate) const OPENS: &str = "opens";
/// As [`ECHO`], and before each answer the server asks for signs of life and for ports of ours.
pub(crate) const REQUESTS: &str = "requests";
/// As [`ECHO`], and before each answer the server tells what is good for debugging.
pub(crate) const NOISE: &str = "noise";

/// How many of them. A server that does not read meanwhile holds up itself, so no more than the
/// answers to them find room on the way.
pub(crate) const BURST: usize = 1_000;
/// More than a test lets wait.
const QUEUE: usize = 64;

pub(crate) struct Rogue {
    port: u16,
    host_key: String,
    /// Requests for channels that were swallowed.
    pub(crate) asked: mpsc::Receiver<ChannelOpenHandle>,
    /// Channels on which nothing more comes. It does not close them, as sshd would.
    pub(crate) finished: mpsc::Receiver<ChannelId>,
    /// Channels that the other side has closed.
    pub(crate) closed: mpsc::Receiver<ChannelId>,
    /// One a link.
    pub(crate) sessions: mpsc::Receiver<Handle>,
}

impl Rogue {
    /// `window` is what may be under way to it on a channel, in bytes.
    pub(crate) async fn start(window: u32) -> Self {
        let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
        let host_key = key.public_key().to_openssh().unwrap();
        let config = Arc::new(Config { keys: vec![key], window_size: window, ..Config::default() });
        let (asked_in, asked) = mpsc::channel(QUEUE);
        let (finished_in, finished) = mpsc::channel(QUEUE);
        let (closed_in, closed) = mpsc::channel(QUEUE);
        let (sessions_in, sessions) = mpsc::channel(QUEUE);
        let manners = Manners {
            asked: asked_in,
            finished: finished_in,
            closed: closed_in,
            hosts: HashMap::new(),
        };
        let port = listener(&TaskTracker::new(), move |stream| {
            let (config, manners, sessions) =
                (config.clone(), manners.clone(), sessions_in.clone());
            async move {
                let Ok(session) = run_stream(config, stream, manners).await else { return };
                sessions.send(session.handle()).await.unwrap();
                // How it ends is the other side's business.
                let _ = session.await;
            }
        })
        .await;
        Self { port, host_key, asked, finished, closed, sessions }
    }

    /// As the service would announce it.
    pub(crate) fn credentials(&self, bench: &Bench) -> Arc<SshCredentials> {
        bench.credentials_at(self.port, self.host_key.clone())
    }
}

#[derive(Clone)]
struct Manners {
    asked: mpsc::Sender<ChannelOpenHandle>,
    finished: mpsc::Sender<ChannelId>,
    closed: mpsc::Sender<ChannelId>,
    hosts: HashMap<ChannelId, String>,
}

impl Handler for Manners {
    type Error = Error;

    async fn auth_publickey(
        &mut self,
        _user: &str,
        _key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        if host == SWALLOW {
            self.asked.send(reply).await.unwrap();
            return Ok(());
        }
        self.hosts.insert(channel.id(), host.to_owned());
        reply.accept().await;
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Error> {
        let host = self.hosts.get(&channel).map_or(ECHO, String::as_str);
        for _ in 0..BURST {
            match host {
                OPENS => drop(session.channel_open_session()?),
                REQUESTS => {
                    session.keepalive_request()?;
                    session.tcpip_forward("\u{1b}[2J", 22, None)?;
                }
                NOISE => session.debug(true, "\u{1b}[2Jmark my words", "")?,
                _ => break,
            }
        }
        session.data(channel, data.to_vec())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Error> {
        self.finished.send(channel).await.unwrap();
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Error> {
        self.closed.send(channel).await.unwrap();
        Ok(())
    }
}
