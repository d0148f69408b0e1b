//! Where tasks are spawned: each belongs to an owner that joins it, and to the daemon that counts
//! it.

use std::future::Future;

use tokio_util::task::TaskTracker;

/// A group of tasks of one owner. Clones are the same group.
#[derive(Clone, Debug)]
pub struct Tasks {
    all: TaskTracker,
    own: TaskTracker,
}

impl Tasks {
    /// A group of the daemon, counted in `all`.
    #[must_use]
    pub fn new(all: &TaskTracker) -> Self {
        Self { all: all.clone(), own: TaskTracker::new() }
    }

    /// A group inside this one: joined by its own owner, counted by the same daemon.
    #[must_use]
    pub fn group(&self) -> Self {
        Self::new(&self.all)
    }

    /// Starts a task.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.own.spawn(self.all.track_future(task));
    }

    /// How many of the group are running.
    #[must_use]
    pub fn len(&self) -> usize {
        self.own.len()
    }

    /// Whether none is running.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Waits until every task of the group has ended. What cancels them is the owner's business.
    pub async fn join(&self) {
        self.own.close();
        self.own.wait().await;
    }
}
