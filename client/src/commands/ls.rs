//! `ls`: all sessions at a glance.

use jiff::Timestamp;

use crate::cli::LsArgs;
use crate::exit::Code;
use crate::output::{self, Look, notes, text};
use crate::{Context, Error};

pub(super) async fn run(context: &Context, args: &LsArgs) -> Result<Code, Error> {
    let sessions = context.daemon().await?.sessions().await?.sessions;
    if args.json {
        output::json(&sessions)?;
    } else if sessions.is_empty() {
        notes::note("no session is open; open one: borealisctl up APP/ATTACHMENT");
    } else {
        output::print(&text::table(&sessions, Timestamp::now(), Look::of_stdout()))?;
    }
    Ok(Code::DONE)
}
