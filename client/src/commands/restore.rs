//! `restore`: a new add-on with the data of another.

use std::time::Duration;

use borealis_proto::{AddonState, Restore};
use jiff::{Timestamp, tz::TimeZone};

use super::addon::Reached;
use crate::cli::{AddonArgs, ExecuteArgs, RestoreArgs, RestoreCommand};
use crate::exit::Code;
use crate::output::human::{self, Clock};
use crate::output::{self, addon, desktop, notes};
use crate::{Context, Error, api};

/// How long the daemon watches before it tells how far things are.
const WATCH: Duration = Duration::from_secs(10);

/// After an answer that says "not now".
const PAUSE: Duration = Duration::from_secs(3);

pub(super) async fn run(context: &Context, args: RestoreArgs) -> Result<Code, Error> {
    match args.command {
        None => capabilities(context, &args.capabilities).await,
        Some(RestoreCommand::Capabilities(args)) => capabilities(context, &args).await,
        Some(RestoreCommand::Execute(args)) => execute(context, args).await,
    }
}

async fn capabilities(context: &Context, args: &AddonArgs) -> Result<Code, Error> {
    let reached = Reached::new(context, &args.target).await?;
    let ask = async |addon: &api::Addon<'_>| addon.restore_capabilities().await;
    let capabilities = reached.ask("asking the service", ask).await?;
    if args.json {
        output::json(&capabilities)?;
    } else {
        let clock = Clock::at(Timestamp::now(), TimeZone::system());
        output::print(&addon::capabilities(&capabilities, &clock))?;
    }
    Ok(Code::DONE)
}

async fn execute(context: &Context, args: ExecuteArgs) -> Result<Code, Error> {
    let reached = Reached::new(context, &args.target).await?;
    let wish = Restore {
        destination_app: args.destination_app,
        plan_name: args.new_plan,
        attachment_name: args.attachment,
        restore_to_time: args.restore_to_time.map(|time| time.to_string()),
    };
    let confirm = args.confirm.as_deref();
    let restore = async |addon: &api::Addon<'_>| addon.restore(&wish, confirm).await;
    let mut made = reached.ask("asking for a new add-on", restore).await?;
    if args.wait {
        made = ready(&reached, made).await?;
    }
    if args.json {
        output::json(&made)?;
    } else {
        output::print(&addon::restored(&made))?;
    }
    if made.is_provisioning() {
        notes::note(&format!("it takes a while; how far it is: heroku addons:info {}", made.name));
    }
    Ok(Code::DONE)
}

/// Stays until it is there, and says so on the desktop: by then the person looks elsewhere.
async fn ready(reached: &Reached, made: AddonState) -> Result<AddonState, Error> {
    let began = Timestamp::now();
    notes::note(&format!("{} is being provisioned", made.name));
    let ended = watch(reached, made, began).await?;
    let took = human::span(began, Timestamp::now());
    let said = if ended.is_provisioned() {
        format!("{} is ready, after {took}", ended.name)
    } else {
        format!("{} is {}, after {took}", ended.name, ended.state)
    };
    notes::note(&said);
    desktop::notify("Borealis Isolated Postgres", &said).await;
    if ended.is_provisioned() {
        return Ok(ended);
    }
    Err(Error::NotRestored { addon: ended.name, state: ended.state })
}

async fn watch(
    reached: &Reached,
    mut seen: AddonState,
    began: Timestamp,
) -> Result<AddonState, Error> {
    let addon = reached.other(&seen.name)?;
    while seen.is_provisioning() {
        let since = human::span(began, Timestamp::now());
        let what = format!("waiting for {}, {since} so far", seen.name);
        let state = async |addon: &api::Addon<'_>| addon.state(WATCH).await;
        match reached.answering(&what, &addon, state).await {
            Ok(now) => seen = now,
            Err(Error::Api(api::Error::Refused(detail))) if detail.retryable => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(seen)
}
