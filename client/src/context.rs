//! What every command needs: where things are, and the daemon.

use std::env;
use std::io;
use std::path::PathBuf;

use borealis_proto::{Paths, Settings};

use crate::api::Api;
use crate::error::{Error, SettingsFault};
use crate::start::manager::ServiceManager;
use crate::start::{self, Manager};

/// The surroundings of a command.
#[derive(Debug)]
pub struct Context {
    /// Where socket, state and log are.
    pub paths: Paths,
    /// Who may start the daemon.
    manager: Manager,
}

impl Context {
    /// From the settings file and the environment.
    ///
    /// # Errors
    /// When the settings file is wrong, or there is no place for the socket.
    pub fn load() -> Result<Self, Error> {
        let settings = settings()?;
        let usual_place = settings.socket.is_none() && settings.state_dir.is_none();
        Ok(Self {
            paths: Paths::resolve(&settings)?,
            manager: if usual_place { Manager::Service } else { Manager::Ourselves },
        })
    }

    /// Whether socket and state are where a service manager expects them.
    #[must_use]
    pub fn is_usual_place(&self) -> bool {
        self.manager == Manager::Service
    }

    /// The service manager, where the daemon is installed there.
    #[must_use]
    pub fn service(&self) -> Option<ServiceManager> {
        let here = self.is_usual_place().then(|| ServiceManager::here(&self.paths.state_dir));
        here.flatten().filter(ServiceManager::is_installed)
    }

    /// The daemon, started when it does not run.
    ///
    /// # Errors
    /// When it cannot be started or reached.
    pub async fn daemon(&self) -> Result<Api, Error> {
        let api = self.running_daemon()?;
        start::ensure(&api, &self.paths, self.manager).await?;
        Ok(api)
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

fn settings() -> Result<Settings, Error> {
    let path = Paths::config_file(|name| env::var_os(name).filter(|value| !value.is_empty()));
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
