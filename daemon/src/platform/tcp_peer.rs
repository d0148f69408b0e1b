//! Whose program is at the other end of a connection that came over loopback.
//!
//! A port on 127.0.0.1 is open to every user of the machine. Whoever comes still needs a password,
//! but a tunnel into somebody's private network is not for guests.

use std::net::SocketAddr;

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
/// a table that cannot be read, or a peer that is gone from it already.
///
/// # Errors
/// When it is somebody else's.
#[cfg(target_os = "linux")]
pub fn same_user_or_root(endpoint: SocketAddr, peer: SocketAddr) -> Result<(), Guest> {
    let ours = rustix::process::geteuid().as_raw();
    match owner(endpoint, peer) {
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

/// The peer's socket has our addresses the other way round.
#[cfg(target_os = "linux")]
fn owner(endpoint: SocketAddr, peer: SocketAddr) -> Option<u32> {
    let table = procfs::net::tcp().ok()?;
    let theirs = |row: &&procfs::net::TcpNetEntry| {
        row.local_address == peer && row.remote_address == endpoint
    };
    table.iter().find(theirs).map(|row| row.uid)
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
        assert_eq!(owner(endpoint, peer), Some(rustix::process::geteuid().as_raw()));
        assert_eq!(same_user_or_root(endpoint, peer), Ok(()));
        drop(client);
        let nobody = "127.0.0.1:1".parse().unwrap();
        assert_eq!(owner(endpoint, nobody), None);
        assert_eq!(same_user_or_root(endpoint, nobody), Ok(()));
    }
}
