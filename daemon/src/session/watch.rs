//! Keeps what is shown of a session true, for as long as it lives.

use std::sync::Arc;

use borealis_proto::{Reason, SessionState};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Fuse, FusedFuture};

use super::live::Live;
use super::proof::{Path, Rest, prove};
use crate::instant;

/// Proves the path each time it comes up, when nobody has used it for a while, and when a client's
/// luck is not what the last proof has shown.
pub(super) async fn watch(live: Arc<Live>) {
    let (mut tunnel, mut database) = (live.tunnel.status(), live.database.status());
    let mut rest = Rest::new(&live.traffic);
    // One at a time, however many clients complain.
    let mut proof: Fuse<BoxFuture<'static, bool>> = Fuse::terminated();
    loop {
        live.observe();
        if proof.is_terminated() && live.take_unproved() {
            let proving = live.clone();
            proof = async move { prove(&proving).await.is_ok() }.boxed().fuse();
        }
        let (up, reachable) = live.is_up();
        if up && !reachable {
            rest.soon();
        }
        tokio::select! {
            path = rest.over(&live.traffic), if up => match path {
                Path::Used if reachable => *live.proved_at.lock() = Some(instant::now()),
                Path::Idle | Path::Used => live.unprove(),
            },
            _known = &mut proof => {}
            () = live.stirred.notified() => {}
            Ok(()) = tunnel.changed() => {}
            Ok(()) = database.changed() => {}
            () = live.accepting.cancelled() => {
                live.observe();
                return;
            }
        }
    }
}

impl Live {
    /// What a proof has shown: why Postgres cannot be reached; `None`: it can.
    pub(super) fn set_unreachable(&self, reason: Option<Reason>) {
        self.memory.lock().unreachable = reason;
        self.observe();
        self.stirred.notify_one();
    }

    /// A client got through, or not. When that is news, the path is proved: one client's word is
    /// not shown to everybody.
    pub(super) fn heard(&self, reachable: bool) {
        if self.memory.lock().unreachable.is_none() != reachable {
            self.unprove();
            self.stirred.notify_one();
        }
    }

    /// Whether a proof is due, which the caller then sees to.
    fn take_unproved(&self) -> bool {
        std::mem::take(&mut self.memory.lock().unproved)
    }

    /// Wants a proof.
    fn unprove(&self) {
        self.memory.lock().unproved = true;
    }

    /// Up, as it is shown, and whether Postgres was reached at the last proof.
    fn is_up(&self) -> (bool, bool) {
        let memory = self.memory.lock();
        (memory.shown.state == SessionState::Up, memory.unreachable.is_none())
    }
}
