//! `info`: the add-on at a glance.

use jiff::{Timestamp, tz::TimeZone};

use super::addon::Reached;
use crate::cli::AddonArgs;
use crate::exit::Code;
use crate::output::{self, addon, human::Clock};
use crate::{Context, Error};

pub(super) async fn run(context: &Context, args: &AddonArgs) -> Result<Code, Error> {
    let reached = Reached::new(context, &args.target).await?;
    let info = reached.ask("asking the service", async |addon| addon.info().await).await?;
    if args.json {
        output::json(&info)?;
    } else {
        let clock = Clock::at(Timestamp::now(), TimeZone::system());
        output::print(&addon::info(&info, &clock))?;
    }
    Ok(Code::DONE)
}
