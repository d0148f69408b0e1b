//! launchd: an agent in the user's own domain. It runs from login on, and again after a crash.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::tool::{Tool, ToolError};
use super::{Error, Status, Steps};

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
                self.launchctl.run(&["bootstrap", &self.domain, list], steps).await?;
            }
            Some(shown) if pid(&shown).is_none() => {
                self.launchctl.run(&["kickstart", &self.service()], steps).await?;
            }
            Some(_running) => {}
        }
        Ok(())
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
            enabled: !files.is_empty() && shown.is_some(),
            files,
            program: shown.as_deref().and_then(|text| value(text, "program")).map(str::to_owned),
            listening: false,
            pid: shown.as_deref().and_then(pid),
        })
    }

    /// An agent that ends well stays down until it is wanted: see `KeepAlive` in its list.
    pub(super) async fn stop(&self) -> Result<(), Error> {
        self.launchctl.ask(&["kill", "SIGTERM", &self.service()]).await?;
        self.until(|shown| shown.and_then(pid).is_none()).await
    }

    pub(super) async fn restart(&self) -> Result<(), Error> {
        if self.shown().await?.as_deref().and_then(pid).is_some() {
            self.stop().await?;
        }
        self.activate(&mut Steps::default()).await
    }

    async fn forget(&self, steps: &mut Steps) -> Result<(), Error> {
        self.launchctl.run(&["bootout", &self.service()], steps).await?;
        self.until(|shown| shown.is_none()).await
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

/// As text between two tags.
fn xml(path: &Path) -> Result<String, Error> {
    let bad = || Error::BadPath(path.to_owned());
    let text = path.to_str().ok_or_else(bad)?;
    if text.chars().any(char::is_control) {
        return Err(bad());
    }
    Ok(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}
