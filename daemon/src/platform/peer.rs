//! Who is at the other end of the control socket.

use std::io;

use interprocess::local_socket::tokio::Stream;

/// The caller is not the user, or nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Another user of this machine, root included: root has its own daemon.
    #[error("the caller is user {theirs}, this daemon serves user {ours}")]
    OtherUser {
        /// Effective user id of the caller.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// The system does not say.
    #[error("the system does not say who the caller is")]
    Unknown(#[source] io::Error),
}

/// Checks that the caller runs as the same user. The directory of the socket should keep others
/// out already; this is the second wall.
///
/// # Errors
/// When it is somebody else, or cannot be told.
#[cfg(unix)]
pub fn same_user(stream: &Stream) -> Result<(), PeerError> {
    use interprocess::local_socket::traits::StreamCommon;

    let credentials = stream.peer_creds().map_err(PeerError::Unknown)?;
    let unsupported = || PeerError::Unknown(io::ErrorKind::Unsupported.into());
    let theirs = credentials.euid().ok_or_else(unsupported)?;
    let ours = rustix::process::geteuid().as_raw();
    if theirs == ours { Ok(()) } else { Err(PeerError::OtherUser { theirs, ours }) }
}

/// A named pipe has no user id to compare, and needs none: its access list lets in nobody but this
/// user. So whoever is here is not refused.
///
/// # Errors
/// None.
#[cfg(windows)]
pub fn same_user(_stream: &Stream) -> Result<(), PeerError> {
    Ok(())
}
