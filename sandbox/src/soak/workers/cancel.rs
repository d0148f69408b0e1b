//! Ctrl+C in psql: a cancel request comes on a connection of its own.

use rustix::process::Signal;

use super::super::stand::SUSHI_RO;
use super::super::tool::{self, Trouble};
use super::{At, Client};

/// In seconds; a cancel that is lost in bad weather lets it end by itself.
const SLEEP: u64 = 15;

pub(super) struct Cancel;

impl Client for Cancel {
    const NAME: &'static str = "cancelled psql";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let sql = format!("SELECT 'whole' FROM pg_sleep({SLEEP})");
        let child = tool::spawn(at.stand.psql_command(SUSHI_RO, &[&sql]).await?)?;
        at.pause([1_000, 2_000]).await;
        tool::signal(&child, Signal::INT);
        let ended = tool::finish(child, b"").await?;
        match ended.code {
            Some(1) if ended.err.contains("57014") => Ok(()),
            // Before it had a query to cancel: psql itself ends.
            None => Ok(()),
            Some(0) => Err(Trouble::Failed("the cancel was lost".to_owned())),
            Some(_) => ended.ok().map(drop),
        }
    }
}
