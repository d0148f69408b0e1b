//! Where the Heroku login is. Looked up each time it is needed, because `heroku login` may have
//! changed it, in an order that the Heroku CLI's users know.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::gpg::GpgError;
use super::keystore::StoreError;
use crate::locked::Locked;
use crate::secret::Secret;

/// Such codes change every half minute. The requests that open one session share one.
const CODE_LIFETIME: Duration = Duration::from_secs(30);

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

/// A place where a login may be.
pub trait Source: Send + Sync {
    /// For messages, after "the Heroku login from".
    fn name(&self) -> &'static str;

    /// The login as it is now, or `None` where this place has none.
    fn token(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>>;
}

/// The login, wherever it is.
pub struct Login {
    /// Guards the key that a client handed over, which lives as long as the daemon.
    handed_over: Locked<Option<Secret<String>>>,
    /// Guards the answer to a question for a second factor, and until when it is worth something.
    code: Locked<Option<(Secret<String>, Instant)>>,
    /// Guards the login that was used last, to know a changed one by.
    used: Locked<Option<Secret<String>>>,
    sources: Vec<Box<dyn Source>>,
}

/// A key that was given to the daemon when it started.
struct Given(Secret<String>);

impl Login {
    /// Looks at what a client hands over, then at `HEROKU_API_KEY` of our own environment, then
    /// at `sources`, best first.
    #[must_use]
    pub fn new(own_key: Option<Secret<String>>, sources: Vec<Box<dyn Source>>) -> Self {
        let own_key = own_key.map(|key| Box::new(Given(key)) as Box<dyn Source>);
        Self {
            handed_over: Locked::new(None),
            code: Locked::new(None),
            used: Locked::new(None),
            sources: own_key.into_iter().chain(sources).collect(),
        }
    }

    /// Takes a client's key. It stays in memory, never on disk. Says whether it is another one
    /// than before: then what waits for a login may try again.
    pub fn hand_over(&self, key: Secret<String>) -> bool {
        if key.expose().trim().is_empty() {
            return false;
        }
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

    /// Heroku does not accept this login. A client's key that is no good must not stand before
    /// the places where a good one may be.
    pub(super) fn forget_handed_over(&self, refused: &Secret<String>) {
        let mut held = self.handed_over.lock();
        if held.as_ref() == Some(refused) {
            *held = None;
        }
    }

    /// The login, to be used now.
    ///
    /// # Errors
    /// As [`Login::find`].
    pub async fn token(&self) -> Result<Secret<String>, LoginError> {
        let (_place, token) = self.find().await?;
        *self.used.lock() = Some(token.clone());
        Ok(token)
    }

    /// Whether there is another login than the one that was used last: then what waits for a login
    /// may try again.
    pub async fn has_changed(&self) -> bool {
        let Ok((_place, token)) = self.find().await else { return false };
        self.used.lock().as_ref() != Some(&token)
    }

    /// Where the login is, for people, and the login. A place that cannot be read does not hide
    /// the next one.
    ///
    /// # Errors
    /// When no place has one; then with the first obstacle that was met.
    pub async fn find(&self) -> Result<(&'static str, Secret<String>), LoginError> {
        const GIVEN: &str = "HEROKU_API_KEY";
        let handed_over = self.handed_over.lock().clone();
        if let Some(key) = handed_over {
            return Ok((GIVEN, token_only(&key, GIVEN)?));
        }
        let mut obstacle = None;
        for source in &self.sources {
            match source.token().await {
                Ok(Some(token)) => {
                    return Ok((source.name(), token_only(&token, source.name())?));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(source = source.name(), %error, "passing over a login");
                    obstacle = obstacle.or(Some(error));
                }
            }
        }
        Err(obstacle.unwrap_or(LoginError::NotLoggedIn))
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

impl Source for Given {
    fn name(&self) -> &'static str {
        "HEROKU_API_KEY"
    }

    fn token(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>> {
        Box::pin(async { Ok(Some(self.0.clone())) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(&'static str, fn() -> Result<Option<&'static str>, LoginError>);

    impl Source for Place {
        fn name(&self) -> &'static str {
            self.0
        }

        fn token(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>> {
            let found = (self.1)().map(|token| token.map(|text| Secret::new(text.to_owned())));
            Box::pin(async { found })
        }
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn unreadable() -> Result<Option<&'static str>, LoginError> {
        Err(LoginError::Unreadable { path: "/n".into(), source: std::io::ErrorKind::Other.into() })
    }

    async fn found(login: &Login) -> String {
        login.token().await.unwrap().expose().clone()
    }

    #[tokio::test]
    async fn the_order() {
        let netrc = || Box::new(Place("netrc", || Ok(Some("netrc")))) as Box<dyn Source>;
        let nothing = || Box::new(Place("keyring", || Ok(None))) as Box<dyn Source>;
        assert_eq!(found(&Login::new(None, vec![nothing(), netrc()])).await, "netrc");

        let login = Login::new(Some(secret("own")), vec![netrc()]);
        assert_eq!(found(&login).await, "own");
        assert!(login.hand_over(secret("client\n")));
        assert!(!login.hand_over(secret("client\n")), "the same key is no change");
        assert!(!login.hand_over(secret(" ")), "an empty key is none");
        assert_eq!(found(&login).await, "client");
        assert!(login.hand_over(secret("another")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_code_is_fresh_for_half_a_minute() {
        let login = Login::new(None, vec![]);
        assert!(!login.hand_over_code(secret("1 2")) && login.code().is_none());
        assert!(login.hand_over_code(secret(" 123456\n")));
        assert_eq!(login.code().unwrap().expose(), "123456");
        tokio::time::advance(CODE_LIFETIME).await;
        assert!(login.code().is_none());
        login.hand_over_code(secret("123456"));
        login.forget_code(&secret("654321"));
        assert!(login.code().is_some(), "another one was refused");
        login.forget_code(&secret("123456"));
        assert!(login.code().is_none());
    }

    #[tokio::test]
    async fn another_login_than_the_one_used_is_a_change() {
        let login = Login::new(None, vec![]);
        assert!(!login.has_changed().await, "none is no change");
        login.hand_over(secret("one"));
        assert!(login.has_changed().await, "none was used yet");
        login.token().await.unwrap();
        assert!(!login.has_changed().await);
        login.hand_over(secret("two"));
        assert!(login.has_changed().await);
    }

    #[tokio::test]
    async fn an_obstacle_does_not_hide_the_next_place_and_is_told_if_there_is_none() {
        let broken = || Box::new(Place("keyring", unreadable)) as Box<dyn Source>;
        let netrc = Box::new(Place("netrc", || Ok(Some("netrc"))));
        assert_eq!(found(&Login::new(None, vec![broken(), netrc])).await, "netrc");
        let error = Login::new(None, vec![broken()]).token().await.unwrap_err();
        assert!(matches!(error, LoginError::Unreadable { .. }));
        let error = Login::new(None, vec![]).token().await.unwrap_err();
        assert!(matches!(error, LoginError::NotLoggedIn));
    }

    #[tokio::test]
    async fn what_cannot_stand_in_a_header_is_no_token() {
        for text in ["two words", "ü", "a\r\nx: y"] {
            let error = Login::new(Some(secret(text)), vec![]).token().await.unwrap_err();
            assert_eq!(error.to_string(), "the Heroku login from HEROKU_API_KEY is not a token");
        }
        assert!(!format!("{:?}", Login::new(Some(secret("canary")), vec![])).contains("canary"));
    }
}
