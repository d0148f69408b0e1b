//! Where the Heroku login is. Looked up each time it is needed, because `heroku login` may have
//! changed it, in an order that the Heroku CLI's users know.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::gpg::GpgError;
use super::keystore::StoreError;
use crate::locked::Locked;
use crate::secret::Secret;

/// Such codes change every half minute. The requests that open one session share one.
const CODE_LIFETIME: Duration = Duration::from_secs(30);

/// What a key that is in the environment is called in messages.
const GIVEN: &str = "HEROKU_API_KEY";

/// Why there is no login to ask with.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Nobody has logged in, as far as we can see.
    #[error("there is no Heroku login on this machine")]
    NotLoggedIn,
    /// The file is there and may not be read.
    #[error("the Heroku login in {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is there and cannot be decrypted.
    #[error("the Heroku login in {} cannot be decrypted: {source}", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
        /// What gpg says.
        #[source]
        source: GpgError,
    },
    /// The credential store has it, and does not give it.
    #[error("the Heroku login cannot be had from the {store}: {source}")]
    Store {
        /// Which.
        store: &'static str,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The login holds characters that no token has; it would tear the request apart.
    #[error("the Heroku login from {0} is not a token")]
    Malformed(&'static str),
}

/// Where a login is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `HEROKU_API_KEY`, handed over by a client.
    HandedOver,
    /// `HEROKU_API_KEY` of our own environment.
    OwnEnvironment,
    /// A store or a file, where `heroku login` keeps it.
    Kept(&'static str),
}

/// A login.
#[derive(Debug)]
pub struct Found {
    /// Where.
    pub place: Place,
    /// The login itself.
    pub token: Secret<String>,
    /// Why a better place, which may have another one, was passed over.
    pub obstacle: Option<LoginError>,
}

/// A place where a login may be.
pub trait Source: Send + Sync {
    /// For messages, after "the Heroku login from".
    fn name(&self) -> &'static str;

    /// Which place it is.
    fn place(&self) -> Place {
        Place::Kept(self.name())
    }

    /// The login as it is now, or `None` where this place has none.
    fn token(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>>;

    /// The same for a look that nobody asked for: it must not ask people for anything again that
    /// they were asked for already. `None` is also what has not changed since.
    fn glance(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>> {
        self.token()
    }
}

/// The login, wherever it is.
pub struct Login {
    /// Guards the key that a client handed over, which lives as long as the daemon.
    handed_over: Locked<Option<Secret<String>>>,
    /// Guards the answer to a question for a second factor, and until when it is worth something.
    code: Locked<Option<(Secret<String>, Instant)>>,
    own_key: Option<OwnKey>,
    sources: Vec<Box<dyn Source>>,
}

/// A key that was given to the daemon when it started.
struct OwnKey {
    key: Secret<String>,
    /// Heroku does not accept it: it stands behind all other places.
    refused: AtomicBool,
}

impl Login {
    /// Looks at what a client hands over, then at `HEROKU_API_KEY` of our own environment, then
    /// at `sources`, best first.
    #[must_use]
    pub fn new(own_key: Option<Secret<String>>, sources: Vec<Box<dyn Source>>) -> Self {
        let own_key = own_key.map(|key| OwnKey { key, refused: AtomicBool::new(false) });
        Self { handed_over: Locked::new(None), code: Locked::new(None), own_key, sources }
    }

    /// Takes a client's key. It stays in memory, never on disk. Says whether it is another one
    /// than before: then what waits for a login may try again. What is no key is not taken: it would
    /// stand before a good one, and Heroku would never be asked to refuse it.
    pub fn hand_over(&self, key: Secret<String>) -> bool {
        let Ok(key) = token_only(&key, GIVEN) else { return false };
        let mut held = self.handed_over.lock();
        let changed = held.as_ref() != Some(&key);
        *held = Some(key);
        changed
    }

    /// Takes the code that a person read from a telephone. Says whether it is one.
    pub fn hand_over_code(&self, code: Secret<String>) -> bool {
        let Ok(code) = token_only(&code, "the second factor") else { return false };
        *self.code.lock() = Some((code, Instant::now() + CODE_LIFETIME));
        true
    }

    /// The code, while it is fresh.
    pub(super) fn code(&self) -> Option<Secret<String>> {
        let mut held = self.code.lock();
        if held.as_ref().is_some_and(|(_, until)| *until <= Instant::now()) {
            *held = None;
        }
        held.as_ref().map(|(code, _)| code.clone())
    }

    /// Forgets a code that Heroku did not accept, unless a person has typed another meanwhile.
    pub(super) fn forget_code(&self, refused: &Secret<String>) {
        let mut held = self.code.lock();
        if held.as_ref().is_some_and(|(code, _)| code == refused) {
            *held = None;
        }
    }

    /// Heroku does not accept this login. A key that is no good must not stand before the places
    /// where a good one may be.
    pub(super) fn refuse(&self, refused: &Secret<String>) {
        let mut held = self.handed_over.lock();
        if held.as_ref() == Some(refused) {
            *held = None;
        }
        if let Some(own) =
            self.own_key.as_ref().filter(|own| own.key.expose().trim() == refused.expose())
        {
            own.refused.store(true, Ordering::Relaxed);
        }
    }

    /// The login, to be used now.
    ///
    /// # Errors
    /// As [`Login::find`].
    pub async fn token(&self) -> Result<Secret<String>, LoginError> {
        Ok(self.find().await?.token)
    }

    /// Looks for the login, and uses it for nothing. A place that cannot be read does not hide the
    /// next one.
    ///
    /// # Errors
    /// When no place has one; then with the first obstacle that was met.
    pub async fn find(&self) -> Result<Found, LoginError> {
        self.find_with(|source| source.token()).await
    }

    /// The same for a look that nobody asked for: see [`Source::glance`].
    ///
    /// # Errors
    /// When no place has one that may be new.
    pub async fn glance(&self) -> Result<Found, LoginError> {
        self.find_with(|source| source.glance()).await
    }

    async fn find_with<'a>(
        &'a self,
        ask: impl Fn(&'a dyn Source) -> BoxFuture<'a, Result<Option<Secret<String>>, LoginError>>,
    ) -> Result<Found, LoginError> {
        let handed_over = self.handed_over.lock().clone();
        if let Some(token) = handed_over {
            return Ok(Found { place: Place::HandedOver, token, obstacle: None });
        }
        if let Some(own) = self.own_key.as_ref().filter(|own| !own.refused.load(Ordering::Relaxed))
        {
            return own.found(None);
        }
        let mut obstacle = None;
        for source in &self.sources {
            let token = ask(source.as_ref()).await;
            let token = token
                .and_then(|token| token.map(|text| token_only(&text, source.name())).transpose());
            match token {
                Ok(Some(token)) => return Ok(Found { place: source.place(), token, obstacle }),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(source = source.name(), %error, "passing over a login");
                    obstacle = obstacle.or(Some(error));
                }
            }
        }
        match &self.own_key {
            Some(own) => own.found(obstacle),
            None => Err(obstacle.unwrap_or(LoginError::NotLoggedIn)),
        }
    }
}

impl OwnKey {
    fn found(&self, obstacle: Option<LoginError>) -> Result<Found, LoginError> {
        let token = token_only(&self.key, GIVEN)?;
        Ok(Found { place: Place::OwnEnvironment, token, obstacle })
    }
}

/// People paste line breaks; anything else that cannot stand in a header is refused here.
fn token_only(text: &Secret<String>, from: &'static str) -> Result<Secret<String>, LoginError> {
    let token = text.expose().trim();
    if !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic()) {
        Ok(Secret::new(token.to_owned()))
    } else {
        Err(LoginError::Malformed(from))
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places: Vec<_> = self.sources.iter().map(|source| source.name()).collect();
        f.debug_struct("Login").field("sources", &places).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
