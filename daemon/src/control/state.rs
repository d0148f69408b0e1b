//! What this room is given, and what its handlers get of it.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::addon::Addons;
use crate::doctor::Doctor;
use crate::platform::{Notices, ProgramFile};
use crate::secret::Secret;
use crate::session::Manager;

/// What a client hands over of its user's.
#[derive(Debug)]
pub enum Handed {
    /// `HEROKU_API_KEY`
    Key(Secret<String>),
    /// The answer to Heroku's question for a second factor.
    TwoFactorCode(Secret<String>),
}

/// Takes it. Done once what waited for it tries again: a request that comes with the answer to a
/// question must not meet the failure that the question was about.
pub type HandOver = Arc<dyn Fn(Handed) -> BoxFuture<'static, ()> + Send + Sync>;

/// All of it. Clones are the same.
#[derive(Clone)]
pub struct ControlState {
    /// Opens, lists and closes sessions.
    pub manager: Manager,
    /// Speaks to the service about add-ons themselves.
    pub addons: Addons,
    /// Says what is well and what is not.
    pub doctor: Doctor,
    /// What the daemon knows about itself.
    pub facts: Arc<Facts>,
    /// Where that goes which a client hands over.
    pub hand_over: HandOver,
    /// Cancelled by `POST /v1/daemon/stop`.
    pub shutdown: CancellationToken,
}

/// What the handlers get.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) manager: Manager,
    pub(super) addons: Addons,
    pub(super) doctor: Doctor,
    pub(super) facts: Arc<Facts>,
    /// To be cancelled by whoever asks the daemon to stop.
    pub(super) shutdown: CancellationToken,
    /// Ends endless answers. Later than `shutdown`: what is running may be drained first.
    pub(super) closing: CancellationToken,
}

/// For `GET /v1/daemon`.
pub struct Facts {
    /// When it began to serve.
    pub started_at: Timestamp,
    /// The same on a clock that nobody sets.
    pub started: Instant,
    /// The control socket's path, or the pipe's name.
    pub socket: String,
    /// The state file.
    pub state_file: String,
    /// Where the log goes.
    pub log: String,
    /// The program that runs.
    pub program: Arc<ProgramFile>,
    /// The password file that is kept right.
    pub passfile: Option<String>,
    /// Counts the tasks that are running now.
    pub tasks: Arc<dyn Fn() -> usize + Send + Sync>,
    /// What somebody should hear of.
    pub notices: Notices,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("socket", &self.socket).finish_non_exhaustive()
    }
}
