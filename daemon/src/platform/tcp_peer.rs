//! What the kernel tells of a TCP connection: whose program is at the other end of one that came
//! over loopback, and how much of what we sent has not arrived.
//!
//! A port on 127.0.0.1 is open to every user of the machine. Whoever comes still needs a password,
//! but a tunnel into somebody's private network is not for guests.

use std::net::SocketAddr;

#[cfg(target_os = "linux")]
use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
#[cfg(target_os = "linux")]
use netlink_packet_sock_diag::SockDiagMessage;
#[cfg(target_os = "linux")]
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
#[cfg(target_os = "linux")]
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags,
};
#[cfg(target_os = "linux")]
use netlink_sys::{Socket, protocols::NETLINK_SOCK_DIAG};

/// A connection that is not the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection is user {theirs}'s, this daemon serves user {ours}")]
pub struct Guest {
    /// Effective user id of the socket's maker.
    pub theirs: u32,
    /// Ours.
    pub ours: u32,
}

/// Checks that the peer of a loopback connection is the user's own, or root's, from whom nothing
/// can be kept. `endpoint` is our end, `peer` the other. What the system does not tell is let pass:
/// a question that it does not take, or a peer that is gone already.
///
/// # Errors
/// When it is somebody else's.
#[cfg(target_os = "linux")]
pub fn same_user_or_root(endpoint: SocketAddr, peer: SocketAddr) -> Result<(), Guest> {
    let ours = rustix::process::geteuid().as_raw();
    // Its addresses are ours the other way round.
    match ask(peer, endpoint).map(|socket| socket.uid) {
        Some(theirs) if theirs != ours && theirs != 0 => Err(Guest { theirs, ours }),
        _ => Ok(()),
    }
}

/// The same, where the system does not say whose a connection is.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn same_user_or_root(_endpoint: SocketAddr, _peer: SocketAddr) -> Result<(), Guest> {
    Ok(())
}

/// How many bytes of a connection of ours the other side has not acknowledged, sent or not. `None`
/// where the system does not say.
#[cfg(target_os = "linux")]
#[must_use]
pub fn unacknowledged(local: SocketAddr, peer: SocketAddr) -> Option<u64> {
    ask(local, peer).map(|socket| socket.send_queue.into())
}

/// The same, where the system does not say.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn unacknowledged(_local: SocketAddr, _peer: SocketAddr) -> Option<u64> {
    None
}

/// Asks the kernel for one socket alone, however many there are.
#[cfg(target_os = "linux")]
fn ask(local: SocketAddr, peer: SocketAddr) -> Option<InetResponseHeader> {
    let socket = Socket::new(NETLINK_SOCK_DIAG).ok()?;
    // Loopback of the kernel itself: it answers before the request returns, or not at all.
    socket.set_non_blocking(true).ok()?;
    socket.connect(&netlink_sys::SocketAddr::new(0, 0)).ok()?;
    socket.send(&question(local, peer), 0).ok()?;
    let (answer, _kernel) = socket.recv_from_full().ok()?;
    let answer = NetlinkMessage::<SockDiagMessage>::deserialize(&answer).ok()?;
    let NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(found)) = answer.payload else {
        // There is no such socket.
        return None;
    };
    Some(found.header)
}

#[cfg(target_os = "linux")]
fn question(local: SocketAddr, peer: SocketAddr) -> Vec<u8> {
    let request = InetRequest {
        family: if local.is_ipv4() { AF_INET } else { AF_INET6 },
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states: StateFlags::all(),
        socket_id: SocketId {
            source_address: local.ip(),
            source_port: local.port(),
            destination_address: peer.ip(),
            destination_port: peer.port(),
            interface_id: 0,
            // Any: it would tell a socket from its predecessor.
            cookie: [0xff; 8],
        },
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn our_own_connection_is_ours() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let endpoint = listener.local_addr().unwrap();
        let client = TcpStream::connect(endpoint).unwrap();
        let (_accepted, peer) = listener.accept().unwrap();
        let owner = |peer| ask(peer, endpoint).map(|socket| socket.uid);
        assert_eq!(owner(peer), Some(rustix::process::geteuid().as_raw()));
        assert_eq!(same_user_or_root(endpoint, peer), Ok(()));
        drop(client);
        let nobody = "127.0.0.1:1".parse().unwrap();
        assert_eq!(owner(nobody), None);
        assert_eq!(same_user_or_root(endpoint, nobody), Ok(()));
    }

    #[test]
    fn what_nobody_takes_is_not_acknowledged() {
        use std::io::Write as _;
        for local in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(local) else { continue };
            let peer = listener.local_addr().unwrap();
            let mut client = TcpStream::connect(peer).unwrap();
            let local = client.local_addr().unwrap();
            assert_eq!(unacknowledged(local, peer), Some(0), "{local}");
            client.set_nonblocking(true).unwrap();
            while client.write(&[0; 64 << 10]).is_ok() {}
            assert!(unacknowledged(local, peer).unwrap() > 64 << 10, "{local}");
        }
    }
}
