//! A link that serves, and its way out.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::traits::Link;
use crate::credentials::SshCredentials;
use crate::tasks::Tasks;

pub(super) type SharedLink = Arc<dyn Link>;

/// The link that the supervisor keeps up, and what it was made with.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) link: SharedLink,
    pub(super) credentials: Arc<SshCredentials>,
}

/// Make before break: running connections finish on a link that gets no new ones, however long they
/// take. A link that dies is idle, too.
pub(super) fn retire(tasks: &Tasks, link: SharedLink, stop: CancellationToken) {
    tasks.spawn(async move {
        tokio::select! {
            () = link.idle() => {}
            () = stop.cancelled() => {}
        }
        link.close().await;
    });
}
