//! From credentials to an authenticated link, each step within its time.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use russh::client::{self, AuthResult, Handle};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{AlgorithmKind, Error};
use tokio::time::timeout;
use tracing::{debug, error};

use super::config::Room;
use super::handler::SshHandler;
use super::link::SshLink;
use super::pin::HostKeyPin;
use super::socket::{SocketGuard, SshStream};
use super::state::LinkState;
use super::text::printable;
use super::{config, error::BadCredentials, keys, socket};
use crate::credentials::SshCredentials;
use crate::tasks::Tasks;
use crate::tunnel::{ConnectError, Connector, Link};

/// Makes SSH links.
#[derive(Clone, Debug)]
pub struct SshConnector {
    tasks: Tasks,
}

impl SshConnector {
    /// Links and channels spawn what has to outlive their callers on `tasks`. Those tasks end with
    /// their link.
    #[must_use]
    pub fn new(tasks: Tasks) -> Self {
        Self { tasks }
    }
}

impl Connector for SshConnector {
    fn connect(
        &self,
        credentials: Arc<SshCredentials>,
    ) -> BoxFuture<'static, Result<Arc<dyn Link>, ConnectError>> {
        let tasks = self.tasks.clone();
        async move {
            let attempt = Attempt::new(&credentials)?;
            let link: Arc<dyn Link> = Arc::new(attempt.run(tasks).await?);
            Ok(link)
        }
        .boxed()
    }
}

/// One try.
struct Attempt {
    host: String,
    port: u16,
    user: String,
    key: Arc<PrivateKey>,
    pin: HostKeyPin,
    state: Arc<LinkState>,
}

impl Attempt {
    fn new(credentials: &SshCredentials) -> Result<Self, ConnectError> {
        let bad = |what: BadCredentials| ConnectError::BadCredentials { detail: what.to_string() };
        Ok(Self {
            host: credentials.host.clone(),
            port: credentials.port,
            user: credentials.user.clone(),
            key: keys::parse(&credentials.private_key).map_err(bad)?,
            pin: HostKeyPin::parse(&credentials.host_key).map_err(bad)?,
            state: Arc::new(LinkState::default()),
        })
    }

    /// Until the link takes the guard over, dropping this future shuts the socket down.
    async fn run(self, tasks: Tasks) -> Result<SshLink, ConnectError> {
        let dial = socket::connect(&self.host, self.port);
        let (stream, guard) = self
            .within(config::TCP_TIMEOUT, "connecting", dial)
            .await?
            .map_err(|source| ConnectError::Unreachable { address: self.address(), source })?;
        let mut handle = self
            .within(config::KEX_TIMEOUT, "exchanging keys", self.exchange_keys(stream, &guard))
            .await?
            .map_err(|error| self.kex_error(&error))?;
        let login = self.authenticate(&mut handle);
        self.within(config::AUTH_TIMEOUT, "authenticating", login).await??;
        debug!(address = self.address(), user = self.user, "the SSH link is up");
        Ok(SshLink::new(handle, guard, self.state, tasks))
    }

    async fn within<T>(
        &self,
        limit: Duration,
        step: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, ConnectError> {
        timeout(limit, work)
            .await
            .map_err(|_elapsed| ConnectError::TimedOut { address: self.address(), step })
    }

    async fn exchange_keys(
        &self,
        mut stream: SshStream,
        guard: &Arc<SocketGuard>,
    ) -> Result<Handle<SshHandler>, Error> {
        let room = Room::over(socket::greet(&mut stream, config::CLIENT_ID).await?);
        self.state.agree_on(room);
        let config = config::client(self.pin.algorithms(), room);
        let handler = SshHandler::new(self.pin.clone(), self.state.clone(), Arc::downgrade(guard));
        client::connect_stream(config, stream, handler).await
    }

    async fn authenticate(&self, handle: &mut Handle<SshHandler>) -> Result<(), ConnectError> {
        let broken = |error: Error| self.protocol(&error.to_string());
        let hash = self.signature_hash(handle).await.map_err(broken)?;
        let key = PrivateKeyWithHashAlg::new(Arc::clone(&self.key), hash);
        match handle.authenticate_publickey(self.user.clone(), key).await.map_err(broken)? {
            AuthResult::Success => Ok(()),
            AuthResult::Failure { partial_success: true, .. } => {
                Err(self.protocol("it wants more than a key"))
            }
            // russh makes a dropped connection look like this too, but only a server that answered
            // says how to go on. To take a drop for a refusal would ask the service for new keys
            // each time the network fails.
            AuthResult::Failure { remaining_methods, .. } if !remaining_methods.is_empty() => {
                Err(ConnectError::KeyRefused { address: self.address(), user: self.user.clone() })
            }
            AuthResult::Failure { .. } => Err(self.lost_while_authenticating(handle)),
        }
    }

    /// RSA keys sign with SHA-2, also when the server does not say what it takes: SHA-1 is refused
    /// everywhere.
    async fn signature_hash(&self, handle: &Handle<SshHandler>) -> Result<Option<HashAlg>, Error> {
        if !self.key.algorithm().is_rsa() {
            return Ok(None);
        }
        let best = handle.best_supported_rsa_hash().await?.flatten();
        Ok(Some(best.unwrap_or(HashAlg::Sha512)))
    }

    fn lost_while_authenticating(&self, handle: &Handle<SshHandler>) -> ConnectError {
        match self.state.reason() {
            Some(reason) => self.protocol(&reason.to_string()),
            None if handle.is_closed() => self.protocol("the connection was lost"),
            None => self.protocol("it takes no key at all"),
        }
    }

    /// A server that presents another key, or has none of the pinned type any more.
    fn kex_error(&self, error: &Error) -> ConnectError {
        let presented = match (self.state.presented(), error) {
            (Some(fingerprint), _) => fingerprint.to_owned(),
            (None, Error::NoCommonAlgo { kind: AlgorithmKind::Key, theirs, .. }) => {
                printable(&format!("of another type ({})", theirs.join(", ")))
            }
            (None, Error::Version) => {
                return self.protocol("what answers there does not speak SSH");
            }
            (None, Error::Disconnect) => return self.protocol("it closed the connection"),
            (None, Error::IO(io)) if io.kind() == io::ErrorKind::UnexpectedEof => {
                return self.protocol("it closed the connection");
            }
            (None, error) => return self.protocol(&error.to_string()),
        };
        let (address, pinned) = (self.address(), self.pin.fingerprint());
        error!(address, pinned, presented, "the SSH host key is not the announced one");
        ConnectError::HostKeyChanged { address, pinned, presented }
    }

    fn protocol(&self, detail: &str) -> ConnectError {
        ConnectError::Protocol { address: self.address(), detail: printable(detail) }
    }

    fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}
