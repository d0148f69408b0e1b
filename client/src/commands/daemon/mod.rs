//! `daemon`: looks after borealisd itself.

mod logs;

use std::time::Duration;

use borealis_proto::DaemonInfo;
use tokio::time::{Instant, sleep};

use crate::api::{self, Api};
use crate::cli::DaemonCommand;
use crate::exit::Code;
use crate::output::{self, notes, spinner, text};
use crate::start::manager::ServiceManager;
use crate::{Context, Error};

/// How long it may take to leave: it drains its connections first.
const LEAVING: Duration = Duration::from_secs(30);

const STOPPED: &str = "borealisd is stopped; its sessions come back when it starts\n";

const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn run(context: &Context, command: DaemonCommand) -> Result<Code, Error> {
    match command {
        DaemonCommand::Start => start(context).await,
        DaemonCommand::Stop => {
            api::keep_quiet_about_versions();
            stop(context).await
        }
        DaemonCommand::Restart => {
            api::keep_quiet_about_versions();
            restart(context).await?;
            start(context).await
        }
        DaemonCommand::Status { json } => status(context, json).await,
        DaemonCommand::Logs(args) => logs::run(context, &args).await,
    }
}

async fn start(context: &Context) -> Result<Code, Error> {
    let info = context.daemon().await?.equip().await?;
    let DaemonInfo { version, pid, .. } = info;
    output::print(&format!("borealisd {version} is running, pid {pid}\n"))?;
    Ok(Code::DONE)
}

/// Through the service manager, where it serves; so it does not take the end for a failure, and
/// nobody knocks at a socket that would start what is to be stopped.
async fn stop(context: &Context) -> Result<Code, Error> {
    let Some(manager) = context.service() else { return stop_by_hand(context).await };
    let status = manager.status().await?;
    if status.pid.is_some() {
        let stopping = async { Ok::<_, Error>(manager.stop().await?) };
        spinner::during("stopping, after what is still running", stopping).await?;
        output::print(STOPPED)?;
    } else if status.listening {
        notes::note("borealisd is not running");
    } else {
        return stop_by_hand(context).await;
    }
    Ok(Code::DONE)
}

async fn restart(context: &Context) -> Result<(), Error> {
    let Some(manager) = context.service() else {
        return stop_by_hand(context).await.map(drop);
    };
    stop_one_started_by_hand(context, manager).await?;
    let restarting = async { Ok::<_, Error>(manager.restart().await?) };
    spinner::during("restarting, after what is still running", restarting).await
}

/// So that the service manager's can serve. Says which it was.
pub(super) async fn stop_one_started_by_hand(
    context: &Context,
    manager: &ServiceManager,
) -> Result<Option<u32>, Error> {
    let status = manager.status().await?;
    if status.listening || status.pid.is_some() {
        return Ok(None);
    }
    let api = context.running_daemon()?;
    let Some(info) = running(&api).await? else { return Ok(None) };
    stop_process(&api, info.pid).await?;
    Ok(Some(info.pid))
}

async fn stop_by_hand(context: &Context) -> Result<Code, Error> {
    let api = context.running_daemon()?;
    let Some(info) = running(&api).await? else {
        notes::note("borealisd is not running");
        return Ok(Code::DONE);
    };
    spinner::during("stopping, after what is still running", stop_process(&api, info.pid)).await?;
    output::print(STOPPED)?;
    Ok(Code::DONE)
}

/// The daemon that is to be stopped, if there is one. One that hangs up is at its end, by itself or
/// killed: it is looked for again until its socket is closed too.
async fn running(api: &Api) -> Result<Option<DaemonInfo>, Error> {
    let deadline = Instant::now() + LEAVING;
    loop {
        match api.daemon().await {
            Ok(info) => return Ok(Some(info)),
            Err(api::Error::NobodyListens { .. }) => return Ok(None),
            Err(api::Error::Cut(_)) if Instant::now() < deadline => sleep(LOOK).await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// What counts is that its process ends: one that hangs up on us may be doing so already.
async fn stop_process(api: &Api, pid: u32) -> Result<(), Error> {
    match api.stop().await {
        Ok(()) | Err(api::Error::Cut(_) | api::Error::NobodyListens { .. }) => gone(api, pid).await,
        Err(error) => Err(error.into()),
    }
}

async fn status(context: &Context, json: bool) -> Result<Code, Error> {
    let info = context.running_daemon()?.daemon().await?;
    if json {
        output::json(&info)?;
    } else {
        output::print(&text::daemon(&info))?;
    }
    Ok(Code::DONE)
}

async fn gone(api: &Api, pid: u32) -> Result<(), Error> {
    let deadline = Instant::now() + LEAVING;
    while is_there(api, pid).await {
        if Instant::now() >= deadline {
            return Err(Error::StillThere { pid });
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// By its process, not its socket: where a service manager owns that, to knock is to start it.
#[cfg(unix)]
async fn is_there(_api: &Api, pid: u32) -> bool {
    crate::process::is_running(pid)
}

#[cfg(windows)]
async fn is_there(api: &Api, _pid: u32) -> bool {
    api.listens().await.unwrap_or(true)
}
