//! What is well and what is not, for a person who has a problem: all that only the daemon can see.
//!
//! Checks run side by side where none needs another's outcome, and each is bounded in time, so that
//! the answer comes also when everything is down. They change nothing: the authorization by which
//! the login is tried is deleted like every other one, and the file that is written is removed.

mod apis;
mod clock;
mod login;
mod notices;
mod sessions;
mod state_dir;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use borealis_proto::{Check, Checkup};

use crate::borealis::Borealis;
use crate::credentials::Vault;
use crate::heroku::{Heroku, Login};
use crate::platform::Notices;
use crate::session::Manager;

/// How long a session that gets its login only now may take to show how that went.
const SETTLE: Duration = Duration::from_secs(5);

/// All that is looked at.
pub struct Parts {
    /// Where the login is.
    pub login: Arc<Login>,
    /// Whether it answers, and takes the login.
    pub heroku: Heroku,
    /// Whether it answers.
    pub borealis: Borealis,
    /// Makes an authorization, and sees to it that it is deleted.
    pub vault: Arc<Vault>,
    /// The sessions, and their paths.
    pub manager: Manager,
    /// What the daemon has to say already.
    pub notices: Notices,
    /// Must be ours alone, and writable.
    pub state_dir: PathBuf,
}

/// Makes the checks. Clones are the same.
#[derive(Clone)]
pub struct Doctor(Arc<Parts>);

impl Doctor {
    /// For these.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// All checks, in the order in which they are shown.
    pub async fn examine(&self) -> Checkup {
        let Parts { manager, notices, state_dir, .. } = &*self.0;
        let (apis, state_dir, proofs) =
            tokio::join!(self.apis(), state_dir::check(state_dir), manager.prove_all());
        let told = notices::checks(&notices.all());
        let sessions = sessions::checks(&manager.list().sessions, &proofs);
        let checks = apis.into_iter().chain([state_dir]).chain(told).chain(sessions).collect();
        Checkup { checks }
    }

    /// The login, both APIs, and the clock by which they go.
    async fn apis(&self) -> Vec<Check> {
        let Parts { login, heroku, borealis, vault, manager, .. } = &*self.0;
        let (found, at_heroku, at_borealis) =
            tokio::join!(login::find(login), heroku.reach(), borealis.reach());
        let accepted = match (&found, &at_heroku) {
            (Ok(_), Ok(_)) => Some(apis::accepted(vault).await),
            // There is nothing to ask with, or nobody to ask.
            (Err(_), _) | (_, Err(_)) => None,
        };
        if let Some(Ok(())) = accepted {
            manager.login_accepted(SETTLE).await;
        }
        let place = found.as_ref().ok().map(|found| found.place);
        let reached = [at_heroku.as_ref().ok(), at_borealis.as_ref().ok()];
        let clock = clock::check(reached.into_iter().flatten().filter_map(|reached| reached.ahead));
        let mut checks = vec![
            login::check(found),
            apis::heroku(&heroku.origin(), at_heroku, accepted, place),
            apis::borealis(&borealis.origin(), at_borealis),
        ];
        checks.extend(clock);
        checks
    }
}

impl std::fmt::Debug for Doctor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doctor").finish_non_exhaustive()
    }
}
