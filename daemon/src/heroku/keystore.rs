//! The login in the operating system's credential store, where `heroku login` keeps it since
//! version 11.8. A file beside the Heroku CLI's own data says whose it is; without that file the
//! store is not even asked.
//!
//! The Heroku CLI itself is never run to get it: with a locked keyring it deletes that file.

#[cfg(any(target_os = "macos", windows))]
mod blocking;
#[cfg(target_os = "macos")]
mod keychain;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(windows)]
mod vault;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::login::{LoginError, Source};
use crate::locked::Locked;
use crate::secret::Secret;

#[cfg(target_os = "macos")]
use keychain as store;
#[cfg(target_os = "linux")]
use secret_service as store;
#[cfg(windows)]
use vault as store;

/// Under which name the Heroku CLI puts it there.
const SERVICE: &str = "heroku-cli";

/// A store whose owner has to unlock it first may never answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why the store did not give the login, though there ought to be one.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nobody has typed its password since the user logged in.
    #[error("it is locked")]
    Locked,
    /// Somebody was asked.
    #[error("somebody did not allow it")]
    Denied,
    /// Somebody may be looking at a question on the screen.
    #[error("it did not answer within {} s; it may be locked", TIMEOUT.as_secs())]
    TimedOut,
    /// What it holds cannot be a login.
    #[error("what it holds is not text")]
    NotText,
    /// The system's own words.
    #[error("{0}")]
    Failed(String),
}

/// The store of this system.
#[derive(Debug)]
pub struct Keystore {
    /// `login.json`
    whose: Option<PathBuf>,
    /// Guards when that file was written, if a person whom the store asked has then said no.
    denied: Locked<Option<SystemTime>>,
}

/// What we need of `login.json`.
#[derive(Deserialize)]
struct Whose {
    account: Option<String>,
}

impl Keystore {
    /// Asks for the account that the Heroku CLI's `login.json` names.
    #[must_use]
    pub fn new(login_file: Option<PathBuf>) -> Self {
        Self { whose: login_file, denied: Locked::default() }
    }

    async fn written(&self) -> Option<SystemTime> {
        tokio::fs::metadata(self.whose.as_ref()?).await.and_then(|found| found.modified()).ok()
    }

    async fn ask(&self) -> Result<Option<Secret<String>>, LoginError> {
        // Before: who logs in meanwhile has not been refused.
        let written = self.written().await;
        let found = self.find().await;
        let no = matches!(&found, Err(LoginError::Store { source: StoreError::Denied, .. }));
        *self.denied.lock() = written.filter(|_| no);
        found
    }

    /// Whoever said no is asked again once there is another login.
    async fn ask_again(&self) -> Result<Option<Secret<String>>, LoginError> {
        let denied = *self.denied.lock();
        if denied.is_some() && denied == self.written().await {
            return Ok(None);
        }
        self.ask().await
    }

    async fn find(&self) -> Result<Option<Secret<String>>, LoginError> {
        let Some(file) = &self.whose else { return Ok(None) };
        match account(file).await? {
            Some(account) => bounded(store::lookup(SERVICE, &account)).await,
            None => Ok(None),
        }
    }
}

impl Source for Keystore {
    fn name(&self) -> &'static str {
        store::NAME
    }

    fn token(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>> {
        Box::pin(self.ask())
    }

    fn glance(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>> {
        Box::pin(self.ask_again())
    }
}

/// Whose login it is, if the Heroku CLI keeps one in the store.
async fn account(file: &Path) -> Result<Option<String>, LoginError> {
    let unreadable = |source| LoginError::Unreadable { path: file.to_owned(), source };
    let text = match tokio::fs::read(file).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let whose: Whose = serde_json::from_slice(&text)
        .map_err(|error| unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))?;
    Ok(whose.account.filter(|account| !account.is_empty()))
}

async fn bounded(
    lookup: impl Future<Output = Result<Option<Secret<Vec<u8>>>, StoreError>>,
) -> Result<Option<Secret<String>>, LoginError> {
    let found = tokio::time::timeout(TIMEOUT, lookup).await.unwrap_or(Err(StoreError::TimedOut));
    let text = |bytes: Secret<Vec<u8>>| match std::str::from_utf8(bytes.expose()) {
        Ok(text) => Ok(Secret::new(text.to_owned())),
        Err(_not_utf8) => Err(StoreError::NotText),
    };
    let found = found.and_then(|found| found.map(text).transpose());
    found.map_err(|source| LoginError::Store { store: store::NAME, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(text: &str) -> Result<Option<String>, LoginError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        account(file.path()).await
    }

    #[tokio::test]
    async fn the_account_of_login_json() {
        assert_eq!(of(r#"{"account":"me@x.io","x":1}"#).await.unwrap().as_deref(), Some("me@x.io"));
        for none in ["{}", r#"{"account":null}"#, r#"{"account":""}"#] {
            assert_eq!(of(none).await.unwrap(), None, "{none}");
        }
        assert_eq!(account(Path::new("/nowhere/login.json")).await.unwrap(), None);
        for broken in ["", "{", "[]", r#"{"account":7}"#] {
            let error = of(broken).await.unwrap_err();
            assert!(matches!(error, LoginError::Unreadable { .. }), "{broken}");
        }
    }

    #[tokio::test]
    async fn without_an_account_the_store_is_not_asked() {
        assert!(Keystore::new(None).token().await.unwrap().is_none());
        let nowhere = Keystore::new(Some("/nowhere/login.json".into()));
        assert!(nowhere.token().await.unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_never_answers_is_given_up() {
        let error = bounded(std::future::pending()).await.unwrap_err();
        assert!(matches!(error, LoginError::Store { source: StoreError::TimedOut, .. }));
    }

    #[tokio::test]
    async fn what_is_no_text_is_not_shown() {
        let bytes = async { Ok(Some(Secret::new(vec![b'c', b'a', 0xff]))) };
        let error = bounded(bytes).await.unwrap_err().to_string();
        assert!(error.ends_with("is not text") && !error.contains("ca\u{fffd}"), "{error}");
    }
}
