//! Accepts callers until told to stop, also when the process has run out of file descriptors.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use interprocess::local_socket::tokio::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection;
use super::listener::Listener;
use super::routes::router;
use super::state::ControlState;
use crate::platform::same_user;

/// Callers at once. One more waits in the kernel's queue until another has gone.
const MOST: usize = 256;

/// After an accept that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the control API until `cancel`, then removes the socket. The connections run as tasks of
/// `tasks` and end by themselves soon after `cancel`; join them there. Requests that arrive between
/// the shutdown of the daemon and `cancel` are still answered.
pub async fn serve(
    listener: Listener,
    state: ControlState,
    cancel: CancellationToken,
    tasks: TaskTracker,
) {
    let router = router(state, cancel.clone());
    serve_router(listener, router, cancel, tasks).await;
}

pub(super) async fn serve_router(
    listener: Listener,
    router: Router,
    cancel: CancellationToken,
    tasks: TaskTracker,
) {
    let mut door =
        Door { listener, spare: Spare::default(), places: Arc::new(Semaphore::new(MOST)) };
    loop {
        let (stream, place) = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            caller = door.next() => caller,
        };
        let connection = connection::serve(stream, router.clone(), cancel.clone());
        tasks.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    tracing::info!("the control socket is closed");
}

struct Door {
    listener: Listener,
    spare: Spare,
    places: Arc<Semaphore>,
}

impl Door {
    /// The next caller who may speak. Cancel-safe: a caller who is lost in between is closed.
    async fn next(&mut self) -> (Stream, OwnedSemaphorePermit) {
        loop {
            // Never closed; and if it were, waiting is right.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                std::future::pending().await
            };
            match self.listener.accept().await {
                Ok(stream) => match same_user(&stream) {
                    Ok(()) => return (stream, place),
                    Err(error) => tracing::warn!(%error, "refused a caller"),
                },
                Err(error) => self.recover(&error).await,
            }
        }
    }

    /// Without a descriptor a caller can be neither accepted nor refused, and would wait for ever.
    async fn recover(&mut self, error: &io::Error) {
        tracing::warn!(%error, "cannot accept a caller");
        if is_out_of_descriptors(error) {
            self.spare.give_up();
            // Accepted and closed: that client hears at once, and can say so. Closed before the
            // spare is taken again, which needs the same descriptor.
            drop(self.listener.accept().now_or_never());
            self.spare.take();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(unix)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE].into_iter().any(|errno| code == Some(errno.raw_os_error()))
}

#[cfg(not(unix))]
fn is_out_of_descriptors(_error: &io::Error) -> bool {
    false
}

/// A descriptor kept for the moment when there is no other.
struct Spare(Option<File>);

impl Default for Spare {
    fn default() -> Self {
        let mut spare = Self(None);
        spare.take();
        spare
    }
}

impl Spare {
    fn give_up(&mut self) {
        self.0 = None;
    }

    fn take(&mut self) {
        self.0 = File::open(if cfg!(windows) { "NUL" } else { "/dev/null" }).ok();
    }
}
