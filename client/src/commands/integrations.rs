//! `integrations`: programs of somebody else's that log in with SSH keys of their own.

use borealis_proto::RegisterIntegration;
use jiff::tz::TimeZone;

use super::addon::{Reached, confirmed};
use crate::cli::{AddonArgs, DeregisterArgs, IntegrationsArgs, IntegrationsCommand, RegisterArgs};
use crate::exit::Code;
use crate::output::{self, addon, human::Clock, notes};
use crate::{Context, Error, api};

pub(super) async fn run(context: &Context, args: IntegrationsArgs) -> Result<Code, Error> {
    match args.command {
        None => list(context, &args.list).await,
        Some(IntegrationsCommand::Register(args)) => register(context, &args).await,
        Some(IntegrationsCommand::Remove(args)) => remove(context, args).await,
    }
}

async fn list(context: &Context, args: &AddonArgs) -> Result<Code, Error> {
    let reached = Reached::new(context, &args.target).await?;
    let list = reached.ask("asking the service", async |addon| addon.integrations().await).await?;
    if args.json {
        output::json(&list)?;
    } else if list.integrations.is_empty() {
        notes::note("no data integration is registered");
    } else {
        let clock = Clock::still(TimeZone::system());
        output::print(&addon::integrations(&list.integrations, &clock))?;
    }
    Ok(Code::DONE)
}

async fn register(context: &Context, args: &RegisterArgs) -> Result<Code, Error> {
    let (target, key) = args.split();
    let reached = Reached::new(context, &target).await?;
    let wish = RegisterIntegration {
        integration_name: args.name.clone(),
        ssh_public_key: key,
        enable_write_access: args.write_access,
    };
    let what = format!("registering {}; this can take minutes", args.name);
    let login = reached.ask(&what, async |addon| addon.register(&wish).await).await?;
    if args.json {
        output::json(&login)?;
    } else {
        output::print(&addon::integration_login(&login))?;
        notes::note("the password is shown this once");
    }
    Ok(Code::DONE)
}

async fn remove(context: &Context, args: DeregisterArgs) -> Result<Code, Error> {
    let confirm = args.confirm.confirm.clone();
    let (target, Some(name)) = args.split() else {
        return Err(Error::Usage {
            message: "which data integration is to be removed?".to_owned(),
            hint: "borealisctl integrations remove TARGET NAME".to_owned(),
        });
    };
    let danger = format!("data integration {} will log in no more", addon::plain(&name));
    let meant = confirmed(context, &target, confirm, &danger).await?;
    let (what, confirm) = (format!("removing {name}"), meant.name.as_str());
    let remove = async |addon: &api::Addon<'_>| addon.deregister(&name, Some(confirm)).await;
    meant.addon.ask(&what, remove).await?;
    output::print(&format!("{}  removed\n", addon::plain(&name)))?;
    Ok(Code::DONE)
}
