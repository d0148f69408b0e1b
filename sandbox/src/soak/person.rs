//! What a person does who looks at `ls`, sees a session that is not up, and types what it says.

use super::stand::{Session, Target};
use super::tool::Trouble;
use super::workers::Shared;

/// `refresh` of each session that is not up.
pub(super) async fn help(shared: &Shared) -> Result<(), Trouble> {
    let sessions = shared.stand.sessions().await?;
    // Those of the application come and go with the `run` that opened them.
    let down = |one: &&Session| one.state != "up" && one.identity.is_none();
    for session in sessions.iter().filter(down) {
        shared.record.refreshed(&session.addon);
        // Whether it helped is seen by the next psql.
        drop(shared.stand.ctl(&["refresh", &session.id, "--timeout", "10s"]).await?);
    }
    Ok(())
}

impl Session {
    pub(super) fn is_of(&self, target: Target) -> bool {
        let personal = self.identity.is_none();
        let access = if target.write { "read-write" } else { "read-only" };
        personal && self.target == target.name && self.access == access
    }

    /// For a line of a report.
    pub(super) fn describe(&self) -> String {
        let Self { target, access, state, .. } = self;
        let reason = self.reason.as_ref().map_or("no reason", |reason| reason.code.as_str());
        format!("{target} ({access}) is {state}: {reason}")
    }
}
