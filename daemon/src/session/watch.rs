//! Keeps what is shown of a session true, for as long as it lives.

use std::sync::Arc;

use borealis_proto::{Reason, Renewed, SessionState};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Fuse, FusedFuture};

use super::live::Live;
use super::proof::{Path, Rest, prove};
use crate::credentials::Asker;
use crate::instant;
use crate::tunnel::Unreached;

/// Proves the path each time it comes up, when nobody has used it for a while, and when a client's
/// luck is not what the last proof has shown; and the password, which tools may have that tell nobody
/// when it is refused.
pub(super) async fn watch(live: Arc<Live>) {
    let (mut tunnel, mut database) = (live.tunnel.status(), live.database.status());
    let mut rest = Rest::new(&live.traffic);
    let mut doubt = Doubt::new(tunnel.borrow().renewed.clone());
    let mut unreached = Unreached::default();
    // Of each one at a time, however many clients complain.
    let (mut path, mut login) = (Proof::terminated(), Proof::terminated());
    loop {
        live.observe();
        doubt.hear(tunnel.borrow().renewed.as_ref());
        if path.is_terminated() && live.take_unproved() {
            let proving = live.clone();
            path = async move { prove(&proving).await.is_ok() }.boxed().fuse();
        }
        if login.is_terminated() && std::mem::take(&mut doubt.due) {
            let proving = live.clone();
            login = async move { proving.prove_login(Asker::Daemon).await }.boxed().fuse();
        }
        let (up, reachable) = live.is_up();
        if up && !reachable {
            rest.soon();
        }
        tokio::select! {
            lately = rest.over(&live.traffic), if up => {
                doubt.due |= reachable;
                match lately {
                    Path::Used if reachable => *live.proved_at.lock() = Some(instant::now()),
                    Path::Idle | Path::Used => live.unprove(),
                }
            }
            proved = &mut path => match proved {
                true => unreached.over(),
                false if up && unreached.again() => live.database.doubt(),
                false => {}
            },
            _known = &mut login => {}
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

/// What it has shown is noted elsewhere.
type Proof = Fuse<BoxFuture<'static, bool>>;

/// Whether the password is to be proved: every few minutes, and whenever the key had to be renewed.
/// Whoever took that away may have taken both.
struct Doubt {
    due: bool,
    key_renewed: Option<Renewed>,
}

impl Doubt {
    fn new(key_renewed: Option<Renewed>) -> Self {
        Self { due: false, key_renewed }
    }

    fn hear(&mut self, renewed: Option<&Renewed>) {
        if renewed != self.key_renewed.as_ref() {
            self.due |= renewed.is_some();
            self.key_renewed = renewed.cloned();
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

#[cfg(test)]
mod tests {
    use borealis_proto::CredentialKind;

    use super::*;

    #[test]
    fn each_renewal_of_the_key_puts_the_password_in_doubt_once() {
        let renewed = |second| Renewed {
            credential: CredentialKind::SshKey,
            at: jiff::Timestamp::from_second(second).unwrap(),
            reason: "it was refused".to_owned(),
        };
        let mut doubt = Doubt::new(Some(renewed(1)));
        let mut due = |renewed: Option<Renewed>| {
            doubt.hear(renewed.as_ref());
            std::mem::take(&mut doubt.due)
        };
        assert!(!due(Some(renewed(1))), "that was before the session");
        assert!(due(Some(renewed(2))));
        assert!(!due(Some(renewed(2))));
        assert!(!due(None));
        assert!(due(Some(renewed(3))));
    }
}
