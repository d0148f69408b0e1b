//! A thread and a runtime of the sandbox's own. A test that blocks its thread or pauses its clock
//! must not stop the network that it looks at.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The sandbox's thread ended, or a task in it panicked.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox is gone")]
pub(crate) struct Gone;

/// Ends with its owner, and every task in it with it.
#[derive(Debug)]
pub(crate) struct Host {
    handle: Handle,
    end: CancellationToken,
    thread: Option<JoinHandle<()>>,
    calls: TaskTracker,
}

impl Host {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let end = CancellationToken::new();
        let ended = end.clone();
        let run = move || runtime.block_on(ended.cancelled());
        let thread = std::thread::Builder::new().name("borealis-sandbox".into()).spawn(run)?;
        Ok(Self { handle, end, thread: Some(thread), calls: TaskTracker::new() })
    }

    /// Runs a future over there and waits for it here.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Gone> {
        self.calls.spawn_on(future, &self.handle).await.map_err(|_| Gone)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sandbox's thread panicked");
        }
    }
}
