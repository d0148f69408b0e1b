//! What a tunnel needs from the rooms below it.

use std::sync::Arc;

use borealis_proto::ErrorCode;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::credentials::{SshCredentials, Want};
use crate::fault::{Failure, Fault};

/// Where a tunnel's SSH credentials come from.
pub trait KeySource: Send + Sync {
    /// Credentials that will do.
    fn key(&self, want: Want) -> BoxFuture<'static, Result<Arc<SshCredentials>, Failure>>;
}

/// Makes links.
pub trait Connector: Send + Sync {
    /// Connects, checks the pinned host key, authenticates. Bounded in time by named timeouts.
    /// Dropping the future ends the attempt and closes its socket.
    fn connect(
        &self,
        credentials: Arc<SshCredentials>,
    ) -> BoxFuture<'static, Result<Arc<dyn Link>, ConnectError>>;
}

/// One authenticated SSH connection.
pub trait Link: Send + Sync {
    /// Opens a channel to a host and port as the SSH server sees them. Bounded in time. Dropping
    /// the future leaves no channel behind, also if the server confirms late.
    fn open(&self, host: &str, port: u16) -> BoxFuture<'static, Result<Channel, OpenError>>;

    /// Resolves when the link is dead, and says why. May be asked for any number of times.
    fn ended(&self) -> BoxFuture<'static, LinkEnd>;

    /// Whether it is still believed to work.
    fn is_alive(&self) -> bool;

    /// Asks the server for a sign of life. Without one in five seconds the link ends itself.
    fn probe(&self) -> BoxFuture<'static, bool>;

    /// How busy it is just now.
    fn load(&self) -> Load;

    /// Whether what it was used for has left so much in it that a new one would be better.
    fn is_worn(&self) -> bool;

    /// Resolves when no channel is open in it, or it is dead.
    fn idle(&self) -> BoxFuture<'static, ()>;

    /// Says goodbye and ends the link with all its channels.
    fn close(&self) -> BoxFuture<'static, ()>;
}

/// How busy a link is just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Channels that are open in it.
    pub channels: usize,
    /// Much is moving through it, and whoever shares it waits.
    pub bulk: bool,
    /// It waits for a client that does not read.
    pub stalled: bool,
}

/// A byte stream in a link, in halves because the two directions are relayed side by side.
/// Dropping both halves closes it.
pub struct Channel {
    /// From Postgres.
    pub reader: Box<dyn ChannelReader>,
    /// To Postgres.
    pub writer: Box<dyn ChannelWriter>,
    /// How long its making took.
    pub opening: Opening,
    /// Fires when the link can wait no longer for a client that does not read.
    pub cut: CancellationToken,
}

/// When a channel was asked for, and when the server had connected it to Postgres. The backend at
/// its end was started in between, or a moment later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Before the request was sent.
    pub asked: Instant,
    /// After the confirmation came.
    pub confirmed: Instant,
}

impl Opening {
    /// Asked at that instant, and confirmed just now.
    #[must_use]
    pub fn since(asked: Instant) -> Self {
        Self { asked, confirmed: Instant::now() }
    }
}

/// The half that comes from Postgres.
pub trait ChannelReader: Send {
    /// Waits for data, then appends all that has arrived to `batch`. Cancel-safe. After
    /// [`Read::Eof`] it waits for the end of the whole channel, which is [`Read::Lost`].
    fn read<'a>(&'a mut self, batch: &'a mut Vec<Bytes>) -> BoxFuture<'a, Read>;
}

/// The half that goes to Postgres.
pub trait ChannelWriter: Send {
    /// Sends all of it; waits for the server's window, which is where back-pressure comes from.
    fn write(&mut self, data: Bytes) -> BoxFuture<'_, Result<(), ChannelLost>>;

    /// Ends this direction and leaves the other open.
    fn finish(&mut self) -> BoxFuture<'_, Result<(), ChannelLost>>;
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// At least one buffer was appended.
    Data,
    /// Postgres has ended its direction, in order.
    Eof,
    /// The channel or its link is gone; what was read may not be all.
    Lost,
}

/// The channel or its link is gone.
#[derive(Debug, thiserror::Error)]
#[error("the channel is gone")]
pub struct ChannelLost;

/// Why a link ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkEnd {
    /// We closed it.
    #[error("closed")]
    Closed,
    /// The server said goodbye; its text is escaped and cut.
    #[error("the SSH server ended the connection: {0}")]
    Disconnected(String),
    /// The connection broke.
    #[error("the connection to the SSH server broke: {0}")]
    Broken(String),
    /// No sign of life.
    #[error("the SSH server stopped answering")]
    Silent,
    /// The server did what none should do.
    #[error("we hung up on the SSH server: {0}")]
    HungUp(&'static str),
}

/// Why a link could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Name resolution or TCP failed.
    #[error("cannot connect to the SSH server {address}: {source}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A step took longer than its timeout.
    #[error("the SSH server {address} did not answer in time while {step}")]
    TimedOut {
        /// Host and port.
        address: String,
        /// `connecting`, `exchanging keys`, `authenticating`.
        step: &'static str,
    },
    /// The SSH conversation failed.
    #[error("the SSH server {address} broke the conversation off: {detail}")]
    Protocol {
        /// Host and port.
        address: String,
        /// Escaped and cut.
        detail: String,
    },
    /// The server presented another key than the announced one. Nothing was sent to it.
    #[error(
        "the SSH server {address} presents host key {presented}, the service announced {pinned}"
    )]
    HostKeyChanged {
        /// Host and port.
        address: String,
        /// Fingerprint of the pin, or its text when it is no key.
        pinned: String,
        /// Fingerprint of what the server presented.
        presented: String,
    },
    /// The server refuses the key, and would take another.
    #[error("the SSH server {address} refuses the key of {user}")]
    KeyRefused {
        /// Host and port.
        address: String,
        /// User name.
        user: String,
    },
    /// The key or the pin that the service handed out cannot be read.
    #[error("the service handed out SSH credentials that cannot be used: {detail}")]
    BadCredentials {
        /// What is wrong; no part of the key.
        detail: String,
    },
}

/// Why a channel could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The link died meanwhile.
    #[error("the link was lost")]
    LinkLost,
    /// No answer in time.
    #[error("the SSH server did not open a channel in time")]
    TimedOut,
    /// The server could not reach the database, or may not.
    #[error("the SSH server cannot reach the database: {0}")]
    Refused(String),
}

impl ConnectError {
    /// How the supervisor treats it.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let message = self.to_string();
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Protocol { .. } => {
                Failure::new(Fault::Transient, ErrorCode::LinkLost, message)
            }
            Self::HostKeyChanged { .. } => {
                Failure::new(Fault::Elsewhere, ErrorCode::HostKeyChanged, message).hint(
                    "on a foreign network another machine may answer in the server's place: it is \
                     looked at again every 5 min, and when the network changes. If it stays, do \
                     not go on before the add-on's support confirms the new key; \
                     then: borealisctl refresh TARGET",
                )
            }
            Self::KeyRefused { .. } => {
                Failure::new(Fault::StaleCredentials, ErrorCode::KeyRefused, message)
            }
            Self::BadCredentials { .. } => {
                Failure::new(Fault::StaleCredentials, ErrorCode::ServiceMisbehaved, message)
            }
        }
    }
}
