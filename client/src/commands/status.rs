//! `status`: sessions in depth.

use borealis_proto::Session;
use jiff::{Timestamp, tz::TimeZone};

use super::shared;
use crate::cli::StatusArgs;
use crate::exit::Code;
use crate::output::{self, notes, text};
use crate::{Context, Error, target};

/// An object for a target, an array for all.
pub(super) async fn run(context: &Context, args: StatusArgs) -> Result<Code, Error> {
    if target::is_named(&args.target) {
        let (_api, session) = shared::opened(context, &args.target, args.write_access).await?;
        if args.json {
            output::json(&session)?;
        } else {
            print(&[session])?;
        }
        return Ok(Code::DONE);
    }
    let sessions = context.daemon().await?.sessions().await?.sessions;
    if args.json {
        output::json(&sessions)?;
    } else if sessions.is_empty() {
        notes::note("no session is open; open one: borealisctl up APP/ATTACHMENT");
    } else {
        print(&sessions)?;
    }
    Ok(Code::DONE)
}

fn print(sessions: &[Session]) -> Result<(), Error> {
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    let depths: Vec<String> =
        sessions.iter().map(|session| text::depth(session, now, &zone)).collect();
    Ok(output::print(&depths.join("\n"))?)
}
