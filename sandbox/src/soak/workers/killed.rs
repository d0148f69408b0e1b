//! `kill -9` in the middle of an answer. It says nothing more; what is left of it is looked for in
//! the end.

use rustix::process::Signal;

use super::super::stand::{TARGETS, UDON_RO};
use super::super::tool::{self, Trouble};
use super::{At, Client};

/// It has no end in the time that the client has.
const ENDLESS: &str = "COPY (SELECT repeat('x', 500), generate_series(1, 3000000)) TO STDOUT";

pub(super) struct Killed;

impl Client for Killed {
    const NAME: &'static str = "killed psql";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let target = at.one_of(&TARGETS, UDON_RO);
        let child = tool::spawn(at.stand.psql_command(target, &[ENDLESS]).await?)?;
        at.pause([50, 800]).await;
        tool::signal(&child, Signal::KILL);
        let ended = tool::finish(child, b"").await?;
        // It may have found out first that a fault is on.
        if ended.code.is_none() { Ok(()) } else { ended.ok().map(drop) }
    }
}
