//! A link that was spoken into and does not answer is doubted long before its keepalive gives up:
//! somebody is waiting for that answer.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::link::Core;
use super::state::LinkState;
use crate::locked::Locked;

/// How long an answer may take before the server is asked for a sign of life. With the time it has
/// for that, a dead link in use is found within 15 s. A query that runs for long costs one such
/// question each time.
const DOUBT: Duration = Duration::from_secs(10);

/// Since when the server has said nothing.
#[derive(Debug, Default)]
pub(super) struct Silence {
    since: Locked<Option<Since>>,
    begun: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Since {
    at: Instant,
    /// We said something, and nothing came since.
    answer_due: bool,
}

impl Silence {
    /// We said something.
    pub(super) fn begin(&self) {
        let mut since = self.since.lock();
        if !since.is_some_and(|since| since.answer_due) {
            self.set(&mut since, true);
        }
    }

    /// The server said something. Whether it has more to say we cannot know: it may have been
    /// stopped in the middle of a download, and so this is a silence too, but only for one
    /// question.
    pub(super) fn heard(&self) {
        self.set(&mut self.since.lock(), false);
    }

    /// The server gave a sign of life, because it was asked for one.
    fn broken(&self) {
        let mut since = self.since.lock();
        match *since {
            Some(Since { answer_due: true, .. }) => self.set(&mut since, true),
            _ => *since = None,
        }
    }

    fn set(&self, since: &mut Option<Since>, answer_due: bool) {
        if since.replace(Since { at: Instant::now(), answer_due }).is_none() {
            self.begun.notify_one();
        }
    }

    fn since(&self) -> Option<Since> {
        *self.since.lock()
    }
}

/// For the life of a link: asks for a sign of life when an answer is late. Without one the link
/// ends itself. It does not keep the link alive.
pub(super) async fn doubt(core: Weak<Core>, state: Arc<LinkState>) {
    let silence = state.silence();
    loop {
        silence.begun.notified().await;
        while let Some(since) = silence.since() {
            tokio::time::sleep_until(since.at + DOUBT).await;
            // Another silence has begun meanwhile: it has its own time.
            if silence.since() != Some(since) {
                continue;
            }
            let Some(core) = core.upgrade() else { return };
            // Boxed: it is asked seldom, and every link would carry room for it, twice.
            Box::pin(core.probe()).await;
            drop(core);
            // What came while we asked has begun another.
            if silence.since() == Some(since) {
                silence.broken();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_waited_for_and_what_was_not_asked_is_not() {
        let silence = Silence::default();
        silence.begin();
        let asked = silence.since().unwrap();
        tokio::time::advance(DOUBT).await;
        silence.begin();
        assert_eq!(silence.since(), Some(asked), "since the first that was not answered");
        silence.broken();
        assert!(silence.since().is_some_and(|again| again.at == Instant::now()), "it is still due");

        silence.heard();
        assert!(silence.since().is_some(), "it may have been stopped in the middle");
        silence.broken();
        assert_eq!(silence.since(), None, "nobody waits");
    }

    #[tokio::test(start_paused = true)]
    async fn each_silence_has_its_own_time() {
        let silence = Silence::default();
        silence.heard();
        tokio::time::advance(DOUBT / 2).await;
        silence.begin();
        assert_eq!(silence.since().unwrap().at, Instant::now(), "the answer is due from now");
        tokio::time::advance(DOUBT / 2).await;
        silence.heard();
        assert_eq!(silence.since().unwrap().at, Instant::now());
    }
}
