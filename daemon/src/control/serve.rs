//! Accepts callers until told to stop, also when the process has run out of file descriptors.

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
use crate::platform::{Beat, DaemonLock, SpareDescriptor, is_out_of_descriptors, same_user};

/// Callers at once. One more waits in the kernel's queue until another has gone.
const MOST: usize = 256;

/// After an accept that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// What a server of the control API stands on.
pub struct Stand {
    /// Proves that the socket's name is ours.
    pub lock: Arc<DaemonLock>,
    /// When we look whether callers still find us. A command that finds no socket tries for longer.
    pub beat: Beat,
    /// No more callers.
    pub leave: CancellationToken,
    /// Ends those that are there.
    pub cancel: CancellationToken,
    /// Runs the connections. They end by themselves soon after `cancel`; join them there.
    pub tasks: TaskTracker,
}

/// Serves the control API until told to leave, then removes the socket, if it is still ours. What is
/// being answered goes on.
pub async fn serve(listener: Listener, state: ControlState, stand: Stand) {
    let router = router(state, stand.cancel.clone());
    serve_router(listener, router, stand).await;
}

pub(super) async fn serve_router(listener: Listener, router: Router, stand: Stand) {
    let Stand { lock, beat, leave, cancel, tasks } = stand;
    let mut door = Door {
        listener,
        spare: SpareDescriptor::default(),
        places: Arc::new(Semaphore::new(MOST)),
        failing: false,
        lost: false,
    };
    let mut looks = beat.ticks();
    loop {
        let (stream, place) = tokio::select! {
            biased;
            () = leave.cancelled() => break,
            _ = looks.tick() => {
                door.look(&lock).await;
                continue;
            }
            caller = door.next() => caller,
        };
        let connection = connection::serve(stream, router.clone(), cancel.clone());
        tasks.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    door.listener.leave();
    tracing::info!("the control socket is closed");
}

struct Door {
    listener: Listener,
    spare: SpareDescriptor,
    places: Arc<Semaphore>,
    /// The last accept failed, and that was said.
    failing: bool,
    /// Our name is somebody else's, and that was said.
    lost: bool,
}

impl Door {
    async fn look(&mut self, lock: &DaemonLock) {
        self.failing &= !self.spare.take();
        let renewed = self.listener.renew(lock).await;
        if let (Err(error), false) = (&renewed, self.lost) {
            tracing::warn!(%error, "no caller finds us");
        }
        self.lost = renewed.is_err();
    }

    /// The next caller who may speak. Cancel-safe: a caller who is lost in between is closed.
    async fn next(&mut self) -> (Stream, OwnedSemaphorePermit) {
        loop {
            // Never closed; and if it were, waiting is right.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                std::future::pending().await
            };
            let accepted = match self.listener.accept().await {
                Err(error) => self.recover(error),
                accepted => accepted,
            };
            match accepted {
                Ok(stream) => match same_user(&stream) {
                    Ok(()) => return (stream, place),
                    Err(error) => tracing::warn!(%error, "refused a caller"),
                },
                Err(_said) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// The user has to be able to ask what is wrong also when there is no descriptor left: the one
    /// that is kept for that goes to the next caller, and is taken again when somebody has left.
    fn recover(&mut self, error: io::Error) -> io::Result<Stream> {
        // Said once, and not ten times a second.
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(%error, "cannot accept a caller");
        }
        if !is_out_of_descriptors(&error) {
            return Err(error);
        }
        self.spare.give_up();
        self.listener.accept().now_or_never().unwrap_or(Err(error))
    }
}
