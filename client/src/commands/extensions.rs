//! `extensions`: what Postgres can beyond itself.

use borealis_proto::{ErrorCode, InstallExtension};

use super::addon::{Reached, confirmed};
use crate::cli::{AddonArgs, ExtensionsArgs, ExtensionsCommand, InstallArgs, UninstallArgs};
use crate::exit::Code;
use crate::output::{self, addon, notes};
use crate::{Context, Error, api};

pub(super) async fn run(context: &Context, args: ExtensionsArgs) -> Result<Code, Error> {
    match args.command {
        None => list(context, &args.list).await,
        Some(ExtensionsCommand::Install(args)) => install(context, &args).await,
        Some(ExtensionsCommand::Remove(args)) => remove(context, args).await,
    }
}

async fn list(context: &Context, args: &AddonArgs) -> Result<Code, Error> {
    let reached = Reached::new(context, &args.target).await?;
    let list = reached.ask("asking the service", async |addon| addon.extensions().await).await?;
    if args.json {
        output::json(&list)?;
    } else if list.extensions.is_empty() {
        notes::note("no extension is installed");
    } else {
        output::print(&addon::extensions(&list.extensions))?;
    }
    Ok(Code::DONE)
}

async fn install(context: &Context, args: &InstallArgs) -> Result<Code, Error> {
    let (target, name) = args.split();
    let reached = Reached::new(context, &target).await?;
    let wish = InstallExtension { pg_extension_name: name, recursive: args.recursive };
    let what = format!("installing {}", wish.pg_extension_name);
    match reached.ask(&what, async |addon| addon.install(&wish).await).await {
        Ok(done) if args.json => output::json(&done)?,
        Ok(done) => output::print(&addon::installed(&done.installed))?,
        Err(error) if args.suppress_conflict && is(&error, ErrorCode::AlreadyExists) => {
            notes::note(&error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(Code::DONE)
}

async fn remove(context: &Context, args: UninstallArgs) -> Result<Code, Error> {
    let (target, name) = args.name.split();
    let danger = format!("{} will be removed, with all that is of its types", addon::plain(&name));
    let meant = confirmed(context, &target, args.confirm.confirm, &danger).await?;
    let (what, confirm) = (format!("removing {name}"), meant.name.as_str());
    let remove = async |addon: &api::Addon<'_>| addon.uninstall(&name, Some(confirm)).await;
    match meant.addon.ask(&what, remove).await {
        Ok(()) => output::print(&format!("{}  removed\n", addon::plain(&name)))?,
        Err(error) if args.suppress_missing && is(&error, ErrorCode::NoSuchPart) => {
            notes::note(&error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(Code::DONE)
}

fn is(error: &Error, code: ErrorCode) -> bool {
    matches!(error, Error::Api(api::Error::Refused(detail)) if detail.code == code)
}
