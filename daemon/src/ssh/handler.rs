//! What the server may make us do, which is next to nothing: show its key, open what we asked for,
//! and end.

use std::sync::{Arc, Weak};

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelId, ChannelOpenFailure, Error};
use tracing::{debug, warn};

use super::pin::{HostKeyPin, fingerprint};
use super::socket::{self, SocketGuard};
use super::state::LinkState;
use super::text::printable;
use crate::tunnel::LinkEnd;

/// So many channels a server may try to open to us, in the life of a link. An honest one tries
/// none; to go on refusing would be work, and a line in russh's queues, for each.
const OPENS_BORNE: u32 = 100;

/// Lives inside russh's session task, and so dies with it.
pub(super) struct SshHandler {
    pin: HostKeyPin,
    state: Arc<LinkState>,
    /// Whoever holds it hangs up by letting go of it.
    socket: Weak<SocketGuard>,
    /// Channels that the server tried to open.
    opens: u32,
}

impl SshHandler {
    pub(super) fn new(pin: HostKeyPin, state: Arc<LinkState>, socket: Weak<SocketGuard>) -> Self {
        Self { pin, state, socket, opens: 0 }
    }

    fn refuse(&mut self, kind: &str, reply: ChannelOpenHandle) -> Result<(), Error> {
        drop(reply);
        self.opens += 1;
        if self.opens == 1 {
            // Once a link: the server says how often it tries, and must not fill our log.
            warn!(kind, "the SSH server wants to open a channel to us: refused");
        }
        if self.opens < OPENS_BORNE {
            return Ok(());
        }
        self.state.declare(LinkEnd::HungUp("it keeps opening channels to us"));
        Err(Error::Disconnect)
    }
}

/// The session task has ended. russh tells `disconnected` unless it panics or fails before the
/// key exchange is done; a drop happens always.
impl Drop for SshHandler {
    fn drop(&mut self) {
        self.state.end(LinkEnd::Broken("the session ended".to_owned()));
    }
}

impl Handler for SshHandler {
    type Error = Error;

    async fn check_server_key(
        &mut self,
        presented: &PublicKeyOrCertificate,
    ) -> Result<bool, Error> {
        let accepted = self.pin.accepts(presented);
        if !accepted {
            self.state.turned_away(fingerprint(&presented.public_key()));
        }
        Ok(accepted)
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut Session) -> Result<(), Error> {
        debug!(banner = printable(banner), "the SSH server greets");
        Ok(())
    }

    /// After it was queued. While it is waited here, nothing is read from the link.
    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _: &mut Session,
    ) -> Result<(), Error> {
        let Some(full) = self.state.arrived(channel, data.len()) else { return Ok(()) };
        tokio::select! {
            biased;
            () = full.until_room() => Ok(()),
            // Else it would be noticed when it is read again, by a client that may never do so.
            broken = socket::broken(&self.socket) => Err(broken.into()),
        }
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Error> {
        self.state.closed_by_server(channel);
        Ok(())
    }

    async fn channel_open_failure(
        &mut self,
        channel: ChannelId,
        reason: ChannelOpenFailure,
        description: &str,
        _language: &str,
        _: &mut Session,
    ) -> Result<(), Error> {
        let text = printable(description);
        warn!(%channel, reason = reason.description(), text, "the SSH server opened no channel");
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Error>) -> Result<(), Error> {
        self.state.declare(match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                LinkEnd::Disconnected(printable(&info.message))
            }
            DisconnectReason::Error(Error::KeepaliveTimeout) => LinkEnd::Silent,
            DisconnectReason::Error(error) => LinkEnd::Broken(printable(&error.to_string())),
        });
        Ok(())
    }

    // Left out of these eight, russh would accept most of them. Dropping the handle refuses.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.refuse("forwarded-tcpip", reply)
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.refuse("forwarded-streamlocal", reply)
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.refuse("auth-agent", reply)
    }

    /// So that it is refused, and counted, as the others are.
    async fn should_accept_unknown_server_channel(&mut self, _: ChannelId, _: &str) -> bool {
        true
    }

    async fn server_channel_open_unknown(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.refuse("unknown", reply)
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.refuse("session", reply)
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.refuse("direct-tcpip", reply)
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.refuse("direct-streamlocal", reply)
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.refuse("x11", reply)
    }
}
