//! The control socket: bound by ourselves, or handed over by systemd.

use std::io;
use std::path::{Path, PathBuf};

use interprocess::local_socket::tokio::{Listener as LocalListener, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};

use super::stale::remove_stale;
use crate::platform::{DaemonLock, DirError, Identity, private_dir};

/// The control socket. Dropping it removes the socket file, unless systemd owns it: then it has to
/// stay, so that the next caller starts us again.
#[derive(Debug)]
pub struct Listener {
    socket: LocalListener,
    /// Where we bound it, and what we made there; `None`: it is the service manager's, or a pipe.
    place: Option<(PathBuf, Identity)>,
}

/// The socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Its directory cannot be trusted.
    #[error("the control socket has no safe place")]
    Dir(#[from] DirError),
    /// Something else has its name.
    #[error("{path} is not a socket: remove it, or set BOREALIS_SOCKET", path = path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// Somebody listens there who does not hold the lock: systemd, or a daemon with another state
    /// directory.
    #[error(
        "somebody else listens on {path} (systemd? then: systemctl --user start borealisd)",
        path = path.display()
    )]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot listen on {path}", path = path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What it says.
        #[source]
        source: io::Error,
    },
}

impl Listener {
    /// Takes the socket that systemd hands over, else binds `path`. Needs the daemon's lock: only
    /// its holder may remove a socket file that was left behind. Must run in a tokio runtime.
    ///
    /// # Errors
    /// When the directory is not safe, or the name is taken by something that lives.
    pub async fn bind(path: &Path, lock: &DaemonLock) -> Result<Self, ListenError> {
        let failed = |source| ListenError::Io { path: path.to_owned(), source };
        if let Some(listener) = handed_over().map_err(failed)? {
            tracing::info!("listening on the socket of the service manager");
            return Ok(Self { socket: listener, place: None });
        }
        if cfg!(unix) {
            private_dir(path.parent().unwrap_or(Path::new("/")))?;
        }
        remove_stale(path, lock).await?;
        let socket = bind_private(path).map_err(failed)?;
        tracing::info!(path = %path.display(), "listening");
        let place = Identity::at(path).filter(|_| cfg!(unix)).map(|made| (path.to_owned(), made));
        Ok(Self { socket, place })
    }

    /// Sees to it that callers find us, also after somebody has removed the socket's file or
    /// directory: a cleaner of temporary files, the end of the user's last login.
    ///
    /// # Errors
    /// As [`Listener::bind`].
    pub(super) async fn renew(&mut self, lock: &DaemonLock) -> Result<(), ListenError> {
        let Some((path, made)) = self.place.clone() else { return Ok(()) };
        if Identity::at(&path) == Some(made) {
            return Ok(());
        }
        // What stands there by now, if anything, is not ours to remove.
        self.socket.do_not_reclaim_name_on_drop();
        *self = Self::bind(&path, lock).await?;
        Ok(())
    }

    /// Removes the socket's file, unless it is another daemon's by now.
    pub(super) fn leave(mut self) {
        let lost = |(path, made): &(PathBuf, Identity)| Identity::at(path) != Some(*made);
        if self.place.as_ref().is_some_and(lost) {
            self.socket.do_not_reclaim_name_on_drop();
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Stream> {
        self.socket.accept().await
    }
}

/// The socket of `borealisd.socket`, when that started us.
#[cfg(unix)]
fn handed_over() -> io::Result<Option<LocalListener>> {
    use interprocess::os::unix::uds_local_socket::tokio::Listener as UnixListener;
    use std::os::fd::OwnedFd;

    let Some(socket) = listenfd::ListenFd::from_env().take_unix_listener(0)? else {
        return Ok(None);
    };
    Ok(Some(UnixListener::try_from(OwnedFd::from(socket))?.into()))
}

#[cfg(not(unix))]
fn handed_over() -> io::Result<Option<LocalListener>> {
    Ok(None)
}

/// The mode is set before the name appears. Where that is not supported (some macOS), the
/// directory and the check of each caller have to do.
#[cfg(unix)]
fn bind_private(path: &Path) -> io::Result<LocalListener> {
    use interprocess::os::unix::local_socket::ListenerOptionsExt;

    let named =
        || io::Result::Ok(ListenerOptions::new().name(path.to_fs_name::<GenericFilePath>()?));
    match named()?.mode(0o600).create_tokio() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => named()?.create_tokio(),
        bound => bound,
    }
}

/// Its first instance or none: a name that another process has already is not shared with it.
#[cfg(windows)]
fn bind_private(path: &Path) -> io::Result<LocalListener> {
    use interprocess::os::windows::local_socket::ListenerOptionsExt;

    let options = ListenerOptions::new().name(path.to_fs_name::<GenericFilePath>()?);
    options.security_descriptor(crate::platform::for_us_alone()?).create_tokio()
}
