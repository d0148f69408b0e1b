//! The socket file of a daemon that was killed: still there, and in the way of the next.

use std::path::Path;

use super::listener::ListenError;
use crate::platform::DaemonLock;

/// Removes the socket file at `path` if nobody listens there. The lock is the proof that no
/// daemon of ours is about to.
#[cfg(unix)]
pub(super) async fn remove_stale(path: &Path, _lock: &DaemonLock) -> Result<(), ListenError> {
    use std::io::ErrorKind;
    use std::os::unix::fs::FileTypeExt;

    let failed = |source| ListenError::Io { path: path.to_owned(), source };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    // systemd may be listening on our behalf while somebody starts us by hand: taking the name
    // from under its socket would make it deaf for good.
    match tokio::net::UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "removing the socket of a daemon that is gone");
            std::fs::remove_file(path).map_err(failed)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(failed(error)),
        Ok(_) | Err(_) => Err(ListenError::InUse { path: path.to_owned() }),
    }
}

/// A pipe is gone with its process.
#[cfg(not(unix))]
pub(super) async fn remove_stale(_path: &Path, _lock: &DaemonLock) -> Result<(), ListenError> {
    Ok(())
}
