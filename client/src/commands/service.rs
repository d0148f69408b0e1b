//! `service`: puts the daemon into the hands of the user's service manager, and shows how.

use borealis_proto::Settings;
use serde::Serialize;

use super::daemon;
use crate::cli::ServiceCommand;
use crate::exit::Code;
use crate::output::{self, notes};
use crate::start::manager::{Error as ServiceError, ServiceManager, Status, Step, Steps};
use crate::start::program;
use crate::{Context, Error};

pub(super) async fn run(context: &Context, command: ServiceCommand) -> Result<Code, Error> {
    let manager = context.manager().ok_or(ServiceError::Unsupported)?;
    match command {
        ServiceCommand::Install => install(context, manager).await,
        ServiceCommand::Uninstall => uninstall(context, manager).await,
        ServiceCommand::Status { json } => status(manager, json).await,
    }
}

async fn install(context: &Context, manager: &ServiceManager) -> Result<Code, Error> {
    if !context.is_usual_place() {
        return Err(Error::Usage {
            message: "a service serves the usual place, and the settings name another".to_owned(),
            hint: "unset BOREALIS_SOCKET and BOREALIS_STATE_DIR, and socket and state_dir in \
                   config.toml"
                .to_owned(),
        });
    }
    let program = program::find().ok_or(ServiceError::NoProgram)?;
    let mut steps = Steps::default();
    manager.install(&program, &mut steps).await?;
    let by_hand = daemon::stop_one_started_by_hand(context, manager).await?;
    by_hand.into_iter().for_each(|pid| steps.add(Step::Stopped(pid)));
    manager.activate(by_hand.is_some(), &mut steps).await?;
    for name in Settings::VARIABLES {
        if std::env::var_os(name).is_some_and(|value| !value.is_empty()) {
            notes::note(&format!("the service does not see {name} of this shell"));
        }
    }
    output::print(&format!(
        "borealisd is installed with {}\n{}",
        manager.name(),
        shown(steps.all())
    ))?;
    Ok(Code::DONE)
}

async fn uninstall(context: &Context, manager: &ServiceManager) -> Result<Code, Error> {
    let mut steps = Steps::default();
    manager.uninstall(&mut steps).await?;
    if steps.all().is_empty() {
        output::print(&format!("borealisd is not installed with {}\n", manager.name()))?;
        return Ok(Code::DONE);
    }
    if let Some(dir) = context.paths.socket.parent() {
        // The manager made it for the socket. Not empty: not only ours.
        let _kept = std::fs::remove_dir(dir);
    }
    output::print(&format!(
        "borealisd is no longer installed with {}\n{}",
        manager.name(),
        shown(steps.all())
    ))?;
    Ok(Code::DONE)
}

/// `service status --json`. Fields are only ever added.
#[derive(Serialize)]
struct Shown<'a> {
    manager: &'a str,
    installed: bool,
    enabled: bool,
    listening: bool,
    pid: Option<u32>,
    program: Option<&'a str>,
    files: Vec<String>,
}

async fn status(manager: &ServiceManager, json: bool) -> Result<Code, Error> {
    let status = manager.status().await?;
    if json {
        output::json(&Shown {
            manager: manager.name(),
            installed: !status.files.is_empty(),
            enabled: status.enabled,
            listening: status.listening,
            pid: status.pid,
            program: status.program.as_deref(),
            files: status.files.iter().map(|file| file.display().to_string()).collect(),
        })?;
    } else {
        output::print(&described(manager.name(), &status))?;
    }
    Ok(Code::DONE)
}

fn described(manager: &str, status: &Status) -> String {
    if status.files.is_empty() {
        return format!(
            "borealisd is not installed with {manager}\n  install it: borealisctl service install\n"
        );
    }
    let at_login = if status.enabled { "starts at login" } else { "does not start at login" };
    let now = match status.pid {
        Some(pid) => format!("running, pid {pid}"),
        None if status.listening => "waiting for the first command".to_owned(),
        None => "stopped".to_owned(),
    };
    let mut text = format!("borealisd is installed with {manager}: {at_login}, {now}\n");
    let program = status.program.iter().map(|program| format!("  program  {program}\n"));
    let files = status.files.iter().map(|file| format!("  file     {}\n", file.display()));
    text.extend(program.chain(files));
    text
}

fn shown(steps: &[Step]) -> String {
    let line = |step: &Step| match step {
        Step::Wrote(path) => format!("  wrote    {}\n", path.display()),
        Step::Kept(path) => format!("  kept     {}\n", path.display()),
        Step::Removed(path) => format!("  removed  {}\n", path.display()),
        Step::Ran(command) => format!("  ran      {command}\n"),
        Step::Stopped(pid) => format!("  stopped  the borealisd that ran by hand, pid {pid}\n"),
    };
    steps.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_service_is_told() {
        let mut status = Status::default();
        assert_eq!(
            described("systemd", &status),
            "borealisd is not installed with systemd\n  install it: borealisctl service install\n"
        );
        status.files = vec!["/u/borealisd.service".into(), "/u/borealisd.socket".into()];
        status.program = Some("/b/borealisd".to_owned());
        (status.enabled, status.listening) = (true, true);
        let files = "  program  /b/borealisd\n  file     /u/borealisd.service\n  file     \
                     /u/borealisd.socket\n";
        let waiting = "borealisd is installed with systemd: starts at login, waiting for the first \
                       command\n";
        assert_eq!(described("systemd", &status), format!("{waiting}{files}"));
        (status.enabled, status.pid) = (false, Some(7));
        let running =
            "borealisd is installed with systemd: does not start at login, running, pid 7\n";
        assert_eq!(described("systemd", &status), format!("{running}{files}"));
    }

    #[test]
    fn what_was_done_is_told_step_by_step() {
        let steps = [
            Step::Wrote("/u/a".into()),
            Step::Kept("/u/b".into()),
            Step::Removed("/u/c".into()),
            Step::Ran("systemctl --user daemon-reload".to_owned()),
            Step::Stopped(7),
        ];
        assert_eq!(
            shown(&steps),
            "  wrote    /u/a\n  kept     /u/b\n  removed  /u/c\n  ran      systemctl --user \
             daemon-reload\n  stopped  the borealisd that ran by hand, pid 7\n"
        );
    }
}
