//! `users`: who may log in, and new credentials for all of them.

use super::addon::{Reached, confirmed};
use crate::cli::{AddonArgs, ConfirmedArgs, UsersArgs, UsersCommand};
use crate::exit::Code;
use crate::output::{self, addon, notes};
use crate::{Context, Error};

const DANGER: &str = "the application gets new credentials, and all personal users are \
                      deactivated: their connections end";

pub(super) async fn run(context: &Context, args: UsersArgs) -> Result<Code, Error> {
    match args.command {
        None => list(context, &args.list).await,
        Some(UsersCommand::Reset(args)) => reset(context, args).await,
    }
}

async fn list(context: &Context, args: &AddonArgs) -> Result<Code, Error> {
    let reached = Reached::new(context, &args.target).await?;
    let list = reached.ask("asking the service", async |addon| addon.users().await).await?;
    if args.json {
        output::json(&list)?;
    } else {
        output::print(&addon::users(&list.users))?;
    }
    Ok(Code::DONE)
}

async fn reset(context: &Context, args: ConfirmedArgs) -> Result<Code, Error> {
    let meant = confirmed(context, &args.target, args.confirm.confirm, DANGER).await?;
    let confirm = meant.name.as_str();
    let reset = async |addon: &crate::api::Addon<'_>| addon.reset_users(Some(confirm)).await;
    meant.addon.ask("resetting all credentials", reset).await?;
    output::print(&format!("{}  all database credentials are reset\n", meant.addon.target()))?;
    notes::note("open sessions fetch the new ones by themselves");
    Ok(Code::DONE)
}
