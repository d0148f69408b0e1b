//! What every command needs: where things are, and the daemon.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use borealis_proto::{Paths, Settings};

use crate::api::Api;
use crate::error::{Error, SettingsFault};
use crate::start;
use crate::start::manager::ServiceManager;

/// The surroundings of a command.
#[derive(Debug)]
pub struct Context {
    /// Where socket, state and log are.
    pub paths: Paths,
    /// Whether the user has left socket and state where they are without settings.
    usual_place: bool,
    /// The service manager of this system, whether the daemon is installed there or not.
    manager: Option<ServiceManager>,
}

/// Finds the service manager for the user whose state is in a directory.
pub type FindManager = fn(&Path) -> Option<ServiceManager>;

impl Context {
    /// From the settings file and the environment.
    ///
    /// # Errors
    /// When the settings file is wrong, or there is no place for the socket.
    pub fn load(find_manager: FindManager) -> Result<Self, Error> {
        let settings = settings()?;
        let usual_place = settings.socket.is_none() && settings.state_dir.is_none();
        let paths = Paths::resolve(&settings)?;
        let manager = find_manager(&paths.state_dir);
        Ok(Self { paths, usual_place, manager })
    }

    /// Whether socket and state are where a service manager expects them.
    #[must_use]
    pub fn is_usual_place(&self) -> bool {
        self.usual_place
    }

    /// The service manager of this system, whether the daemon is installed there or not.
    #[must_use]
    pub fn manager(&self) -> Option<&ServiceManager> {
        self.manager.as_ref()
    }

    /// The service manager, where it looks after the daemon that is meant.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceManager> {
        self.manager().filter(|manager| self.is_usual_place() && manager.is_installed())
    }

    /// The daemon, started when it does not run.
    ///
    /// # Errors
    /// When it cannot be started or reached.
    pub async fn daemon(&self) -> Result<Api, Error> {
        let api = self.running_daemon()?;
        self.start(&api).await?;
        Ok(api)
    }

    /// Starts the daemon when it does not run.
    ///
    /// # Errors
    /// When it cannot be started or reached.
    pub async fn start(&self, api: &Api) -> Result<(), Error> {
        Ok(start::ensure(api, &self.paths, self.service()).await?)
    }

    /// The daemon, whether it runs or not.
    ///
    /// # Errors
    /// When `HEROKU_API_KEY` is no key.
    pub fn running_daemon(&self) -> Result<Api, Error> {
        let key = env::var("HEROKU_API_KEY").ok().filter(|key| !key.is_empty());
        Ok(Api::new(&self.paths.socket, key.as_deref())?)
    }
}

/// Where the settings file is, or would be.
pub(crate) fn settings_file() -> Option<PathBuf> {
    Paths::config_file(|name| env::var_os(name))
}

fn settings() -> Result<Settings, Error> {
    let path = settings_file();
    let fault = |source| Error::Settings { path: path.clone().unwrap_or_default(), source };
    let text = path.as_ref().map(read_if_there).transpose().map_err(fault)?;
    let var = |name: &str| env::var(name).ok();
    Settings::resolve(text.flatten().as_deref(), var).map_err(|error| fault(error.into()))
}

fn read_if_there(path: &PathBuf) -> Result<Option<String>, SettingsFault> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
