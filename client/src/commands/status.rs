//! `status`: sessions in depth, once or for as long as somebody looks.

mod watch;

use borealis_proto::Session;
use jiff::{Timestamp, tz::TimeZone};

use super::shared;
use crate::cli::StatusArgs;
use crate::exit::Code;
use crate::output::human::Clock;
use crate::output::{self, Detail, Look, notes, text};
use crate::{Context, Error, target};

/// An object for a target, an array for all.
pub(super) async fn run(context: &Context, args: StatusArgs) -> Result<Code, Error> {
    if args.watch {
        return watch::run(context, &args).await;
    }
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
    let clock = Clock::at(Timestamp::now(), TimeZone::system());
    Ok(output::print(&depths(sessions, &clock, Detail::WithTraffic))?)
}

fn depths(sessions: &[Session], clock: &Clock, detail: Detail) -> String {
    let look = Look::of_stdout();
    let depth = |session: &Session| text::depth(session, clock, detail, look);
    let sorted = text::wrong_way_first(sessions);
    sorted.into_iter().map(depth).collect::<Vec<_>>().join("\n")
}
