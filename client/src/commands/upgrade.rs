//! `upgrade`: to the next major version of Postgres.

use super::addon::{Reached, confirmed};
use crate::cli::{AddonArgs, ConfirmedArgs, UpgradeArgs, UpgradeCommand};
use crate::exit::Code;
use crate::output::{self, addon, notes};
use crate::{Context, Error, api};

const UPGRADES: &str =
    "nobody gets into the database while it is upgraded, the application included";

const STOPS: &str = "the upgrade that is running is stopped";

pub(super) async fn run(context: &Context, args: UpgradeArgs) -> Result<Code, Error> {
    match args.command {
        None => info(context, &args.info).await,
        Some(UpgradeCommand::Info(args)) => info(context, &args).await,
        Some(UpgradeCommand::Execute(args)) => execute(context, args).await,
        Some(UpgradeCommand::Cancel(args)) => cancel(context, args).await,
    }
}

async fn info(context: &Context, args: &AddonArgs) -> Result<Code, Error> {
    let reached = Reached::new(context, &args.target).await?;
    let info = reached.ask("asking the service", async |addon| addon.upgrade().await).await?;
    if args.json {
        output::json(&info)?;
    } else {
        output::print(&addon::upgrade(&info))?;
    }
    Ok(Code::DONE)
}

async fn execute(context: &Context, args: ConfirmedArgs) -> Result<Code, Error> {
    let meant = confirmed(context, &args.target, args.confirm.confirm, UPGRADES).await?;
    let confirm = meant.name.as_str();
    let start = async |addon: &api::Addon<'_>| addon.start_upgrade(Some(confirm)).await;
    let started = meant.addon.ask("starting the upgrade", start).await?;
    output::print(&addon::upgrade_started(&started))?;
    let target = meant.addon.target();
    notes::note(&format!("see how it goes: borealisctl upgrade info {target}"));
    Ok(Code::DONE)
}

async fn cancel(context: &Context, args: ConfirmedArgs) -> Result<Code, Error> {
    let meant = confirmed(context, &args.target, args.confirm.confirm, STOPS).await?;
    let confirm = meant.name.as_str();
    let cancel = async |addon: &api::Addon<'_>| addon.cancel_upgrade(Some(confirm)).await;
    meant.addon.ask("cancelling the upgrade", cancel).await?;
    output::print("the upgrade is cancelled\n")?;
    Ok(Code::DONE)
}
