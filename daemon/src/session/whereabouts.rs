//! Which add-on a session's target means now. An attachment can be moved to another add-on, by
//! `heroku addons:attach` or by a restore that is put in its place. A session never follows it by
//! itself: what is at its port stays the same database for as long as it is open.
//!
//! Heroku is asked where it matters: when credentials were refused and are to be renewed without
//! anybody's word, and when the service knows the add-on no more.

use std::sync::Arc;
use std::time::Duration;

use borealis_proto::ErrorCode;
use futures_util::future::join_all;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::credentials::Want;
use crate::fault::{Failure, Fault};
use crate::heroku::{Attached, Heroku};
use crate::locked::Locked;

/// An answer of Heroku's counts for so long: a key and a password are often refused together.
const COUNTS: Duration = Duration::from_secs(30);

/// Of one session.
pub(super) struct Whereabouts {
    heroku: Arc<Heroku>,
    /// What was opened.
    attached: Attached,
    /// Guards the add-on that the target is known to mean now, if it is another one.
    moved_to: Locked<Option<String>>,
    /// When Heroku was asked last. Held while it is asked, so that all who want to know ask once.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

impl Whereabouts {
    pub(super) fn new(heroku: Arc<Heroku>, attached: Attached) -> Self {
        let (moved_to, asked) = (Locked::default(), tokio::sync::Mutex::default());
        Self { heroku, attached, moved_to, asked }
    }

    /// The add-on that the target is known to mean now, if it is another one.
    pub(super) fn moved_to(&self) -> Option<String> {
        self.moved_to.lock().clone()
    }

    /// Heroku has said what some target means: perhaps it is this one.
    pub(super) fn learn(&self, now: &Attached) {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        if same(&now.app, &self.attached.app) && same(&now.attachment, &self.attached.attachment) {
            let moved = now.addon_id != self.attached.addon_id;
            let moved_to = moved.then(|| now.addon.clone());
            let before = std::mem::replace(&mut *self.moved_to.lock(), moved_to.clone());
            if let Some(addon) = moved_to.filter(|_| before.is_none()) {
                warn!(was = self.attached.addon, now = addon, "{} was moved", self.target());
            }
        }
    }

    /// Asks Heroku, unless that was done a moment ago. Without an answer, what was known is.
    async fn look(&self) {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|asked| asked.elapsed() < COUNTS) {
            return;
        }
        match self.heroku.attached(&self.attached.app, &self.attached.attachment).await {
            Ok(now) => {
                *asked = Some(Instant::now());
                self.learn(&now);
            }
            Err(error) => debug!(%error, "what {} means now is not known", self.target()),
        }
    }

    fn target(&self) -> String {
        format!("{}/{}", self.attached.app, self.attached.attachment)
    }

    fn failure(&self, addon: &str) -> Failure {
        let message = format!("{} is now {addon}", self.target());
        let (fault, code) = (Fault::Blocked { recheck: None }, ErrorCode::TargetMoved);
        Failure::new(fault, code, message).hint(format!(
            "to go there: borealisctl down TARGET, then borealisctl up TARGET; to stay with {}: \
             borealisctl refresh TARGET",
            self.attached.addon
        ))
    }
}

/// Gets credentials, unless they would be renewed for targets that all mean another add-on now.
/// One that still means it is reason enough: the add-on has two names, and one of them stayed.
pub(super) async fn guarded<T>(
    all: &[Arc<Whereabouts>],
    want: Want,
    minted: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    if let Want::Renewed(_) | Want::Unreached(_) = want
        && let Some(moved) = all_moved(all).await
    {
        return Err(moved);
    }
    match minted.await {
        Err(failure) if failure.fault == Fault::Missing => {
            Err(all_moved(all).await.unwrap_or(failure))
        }
        result => result,
    }
}

async fn all_moved(all: &[Arc<Whereabouts>]) -> Option<Failure> {
    join_all(all.iter().map(|one| one.look())).await;
    let moved: Option<Vec<Failure>> =
        all.iter().map(|one| Some(one.failure(&one.moved_to()?))).collect();
    moved?.into_iter().next()
}
