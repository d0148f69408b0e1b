//! launchd: an agent in the user's own domain. It runs from login on, and again after a crash.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::tool::{Tool, ToolError};
use super::{Error, Status, Steps};
use crate::private_dir;

const LABEL: &str = "com.borealis-data.borealisd";
const TEXT: &str = include_str!("../../../../launchd/com.borealis-data.borealisd.plist");

/// How long launchd may take to forget an agent: it answers before it has.
const FORGETTING: Duration = Duration::from_secs(25);
const LOOK: Duration = Duration::from_millis(50);

/// One user's.
#[derive(Debug)]
pub struct Launchd {
    agents: PathBuf,
    state_dir: PathBuf,
    /// `gui/501`
    domain: String,
    launchctl: Tool,
}

impl Launchd {
    /// Of the user whose environment this is; none without a home.
    #[cfg(unix)]
    #[must_use]
    pub fn of_user(state_dir: &Path) -> Option<Self> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
        let user = rustix::process::getuid().as_raw();
        let agents = PathBuf::from(home).join("Library/LaunchAgents");
        Some(Self::new(agents, state_dir, user, "launchctl"))
    }

    /// No other system has it.
    #[cfg(not(unix))]
    #[must_use]
    pub fn of_user(_state_dir: &Path) -> Option<Self> {
        None
    }

    /// With the agents of user `user` in a directory, spoken to through `launchctl`.
    #[must_use]
    pub fn new(
        agents: PathBuf,
        state_dir: &Path,
        user: u32,
        launchctl: impl Into<OsString>,
    ) -> Self {
        Self {
            agents,
            state_dir: state_dir.to_owned(),
            domain: format!("gui/{user}"),
            launchctl: Tool::new(launchctl, &[]),
        }
    }

    pub(super) fn is_installed(&self) -> bool {
        self.list().exists()
    }

    pub(super) async fn install(&self, program: &Path, steps: &mut Steps) -> Result<(), Error> {
        // launchd makes no directories: without one for its log the agent would not even start.
        let failed = |source| Error::File { what: "make", path: self.state_dir.clone(), source };
        private_dir::create(&self.state_dir).map_err(failed)?;
        let before = steps.all().len();
        steps.write(self.list(), &self.text(program)?)?;
        let changed =
            steps.all().iter().skip(before).any(|step| matches!(step, super::Step::Wrote(_)));
        if changed && self.shown().await?.is_some() {
            self.forget(steps).await?;
        }
        // Somebody may have disabled it in an earlier life.
        Ok(self.launchctl.run(&["enable", &self.service()], steps).await?)
    }

    pub(super) async fn activate(&self, steps: &mut Steps) -> Result<(), Error> {
        match self.shown().await? {
            None => {
                let list = self.list();
                let list = list.to_str().ok_or_else(|| Error::BadPath(list.clone()))?;
                let bootstrap = ["bootstrap", &self.domain, list];
                self.ask_for(&bootstrap, steps, |shown| shown.is_some()).await
            }
            Some(shown) if pid(&shown).is_none() => {
                let kickstart = ["kickstart", &self.service()];
                self.ask_for(&kickstart, steps, |shown| shown.and_then(pid).is_some()).await
            }
            Some(_running) => Ok(()),
        }
    }

    pub(super) async fn uninstall(&self, steps: &mut Steps) -> Result<(), Error> {
        if self.shown().await?.is_some() {
            self.forget(steps).await?;
        }
        steps.remove(self.list())
    }

    pub(super) async fn status(&self) -> Result<Status, Error> {
        let shown = self.shown().await?;
        let files: Vec<_> = [self.list()].into_iter().filter(|list| list.exists()).collect();
        Ok(Status {
            enabled: !files.is_empty() && !self.is_disabled().await?,
            files,
            program: shown.as_deref().and_then(|text| value(text, "program")).map(str::to_owned),
            listening: false,
            pid: shown.as_deref().and_then(pid),
        })
    }

    /// An agent that ends well stays down until it is wanted: see `KeepAlive` in its list.
    pub(super) async fn stop(&self) -> Result<(), Error> {
        let stopped = |shown: Option<&str>| shown.and_then(pid).is_none();
        let kill = ["kill", "SIGTERM", &self.service()];
        self.ask_for(&kill, &mut Steps::default(), stopped).await?;
        self.until(stopped).await
    }

    pub(super) async fn restart(&self) -> Result<(), Error> {
        if self.shown().await?.as_deref().and_then(pid).is_some() {
            self.stop().await?;
        }
        self.activate(&mut Steps::default()).await
    }

    /// launchd refuses what somebody else has done a moment before: then it is done.
    async fn ask_for(
        &self,
        args: &[&str],
        steps: &mut Steps,
        done: impl Fn(Option<&str>) -> bool,
    ) -> Result<(), Error> {
        match self.launchctl.run(args, steps).await {
            Err(ToolError::Refused { .. }) if done(self.shown().await?.as_deref()) => Ok(()),
            asked => Ok(asked?),
        }
    }

    /// A daemon that drains makes launchd say "in progress"; all that counts is that it goes.
    async fn forget(&self, steps: &mut Steps) -> Result<(), Error> {
        let asked = self.launchctl.run(&["bootout", &self.service()], steps).await;
        let gone = self.until(|shown| shown.is_none()).await;
        match asked {
            Err(ToolError::Refused { .. }) if gone.is_ok() => Ok(()),
            asked => {
                asked?;
                gone
            }
        }
    }

    async fn until(&self, holds: impl Fn(Option<&str>) -> bool) -> Result<(), Error> {
        let deadline = Instant::now() + FORGETTING;
        while !holds(self.shown().await?.as_deref()) {
            if Instant::now() >= deadline {
                let command = format!("launchctl print {}", self.service());
                let said = "the agent is still there".to_owned();
                return Err(ToolError::Refused { command, said }.into());
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// What launchd knows of the agent; nothing if it is not loaded.
    async fn shown(&self) -> Result<Option<String>, Error> {
        match self.launchctl.ask(&["print", &self.service()]).await {
            Ok(text) => Ok(Some(text)),
            Err(ToolError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether somebody has told launchd not to start it at login. A domain that is not there has
    /// no such list.
    async fn is_disabled(&self) -> Result<bool, Error> {
        match self.launchctl.ask(&["print-disabled", &self.domain]).await {
            Ok(text) => Ok(says_disabled(&text)),
            Err(ToolError::Refused { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn list(&self) -> PathBuf {
        self.agents.join(format!("{LABEL}.plist"))
    }

    fn service(&self) -> String {
        format!("{}/{LABEL}", self.domain)
    }

    fn text(&self, program: &Path) -> Result<String, Error> {
        let program = xml(program)?;
        Ok(TEXT.replace("@BOREALISD@", &program).replace("@STATE@", &xml(&self.state_dir)?))
    }
}

fn pid(shown: &str) -> Option<u32> {
    value(shown, "pid")?.parse().ok()
}

/// `name = value`, on a line of its own.
fn value<'a>(shown: &'a str, name: &str) -> Option<&'a str> {
    shown.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(" = "))
}

/// `"LABEL" => disabled`, and before macOS 13 `=> true`.
fn says_disabled(list: &str) -> bool {
    let ours = format!("\"{LABEL}\" => ");
    let mut said = list.lines().filter_map(|line| line.trim().strip_prefix(&ours));
    said.any(|word| matches!(word, "disabled" | "true"))
}

/// As text between two tags.
fn xml(path: &Path) -> Result<String, Error> {
    let bad = || Error::BadPath(path.to_owned());
    let text = path.to_str().ok_or_else(bad)?;
    if text.chars().any(char::is_control) {
        return Err(bad());
    }
    Ok(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_launchctl_shows() {
        let shown = "gui/501/x = {\n\tpath = /u/x.plist\n\tstate = running\n\n\tprogram = /a b/c\n\t\
                     pid local endpoints = {\n\t}\n\tpid = 4711\n}\n";
        assert_eq!(value(shown, "program"), Some("/a b/c"));
        assert_eq!(pid(shown), Some(4711));
        assert_eq!(pid("gui/501/x = {\n\tstate = SIGTERMed\n}\n"), None);
    }

    #[test]
    fn what_is_disabled_in_new_words_and_old() {
        let table = [
            ("\t\t\"com.borealis-data.borealisd\" => disabled\n", true),
            ("\t\t\"com.borealis-data.borealisd\" => true\n", true),
            ("\t\t\"com.borealis-data.borealisd\" => enabled\n", false),
            ("\t\t\"com.borealis-data.borealisd\" => false\n", false),
            ("\t\t\"com.borealis-data.borealisd2\" => disabled\n", false),
            ("", false),
        ];
        for (line, disabled) in table {
            let list = format!("disabled services = {{\n\t\t\"a\" => disabled\n{line}}}\n");
            assert_eq!(says_disabled(&list), disabled, "{list}");
        }
    }
}
