//! The daemon: whether it answers, started if need be; whether we fit together; and what it finds.

use borealis_proto::{API_VERSION, Check, DaemonInfo};

use super::socket;
use crate::api::{self, Api};
use crate::{Context, Error};

const OUR_VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) async fn checks(context: &Context, api: &Api) -> Vec<Check> {
    let ran = matches!(api.listens().await, Ok(true));
    let socket = || socket::check(&context.paths.socket);
    let info = match reached(context, api).await {
        Ok(info) => info,
        Err(error) => return [unreachable(&error)].into_iter().chain(socket()).collect(),
    };
    let mut checks = vec![running(&info, ran), versions(&info)];
    checks.extend(socket());
    match api.doctor().await {
        Ok(found) => checks.extend(found.checks),
        Err(error) => checks.push(unanswered(&error)),
    }
    checks
}

async fn reached(context: &Context, api: &Api) -> Result<DaemonInfo, Error> {
    context.start(api).await?;
    Ok(api.daemon().await?)
}

fn unreachable(error: &Error) -> Check {
    let check = Check::problem(Check::DAEMON, error.to_string());
    check.or_hint(error.hint().unwrap_or_else(|| "borealisctl daemon logs".to_owned()))
}

fn running(info: &DaemonInfo, ran: bool) -> Check {
    let how = if ran { "runs" } else { "did not run, and was started" };
    Check::ok(Check::DAEMON, format!("borealisd {how}: pid {}", info.pid))
}

/// Neighbours work together; still, a restart brings what is new.
fn versions(info: &DaemonInfo) -> Check {
    const NAME: &str = "versions";
    let DaemonInfo { version, api, .. } = info;
    let both = format!("borealisctl {OUR_VERSION}, borealisd {version}");
    if *api != API_VERSION {
        let message = format!("{both}: their control APIs are {API_VERSION} and {api}");
        return Check::warning(NAME, message).or_hint("borealisctl daemon restart");
    }
    if version != OUR_VERSION {
        return Check::warning(NAME, both).or_hint("borealisctl daemon restart");
    }
    if info.replaced {
        let message = format!("{both}: another borealisd was installed since it started");
        return Check::warning(NAME, message).or_hint("borealisctl daemon restart");
    }
    Check::ok(NAME, both)
}

/// It is there, and an older one, or it got lost on the way.
fn unanswered(error: &api::Error) -> Check {
    let check = Check::problem("daemon-checks", format!("borealisd does not say more: {error}"));
    check.or_hint(error.hint().unwrap_or_else(|| "borealisctl daemon restart".to_owned()))
}
