//! Where the Heroku login is. Looked up each time it is needed, because `heroku login` may have
//! changed it, in an order that the Heroku CLI's users know.

use std::path::PathBuf;

use futures_util::future::BoxFuture;

use super::gpg::GpgError;
use crate::locked::Locked;
use crate::secret::Secret;

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

    /// The login. A place that cannot be read does not hide the next one.
    ///
    /// # Errors
    /// When no place has one; then with the first obstacle that was met.
    pub async fn token(&self) -> Result<Secret<String>, LoginError> {
        let handed_over = self.handed_over.lock().clone();
        if let Some(key) = handed_over {
            return token_only(&key, "HEROKU_API_KEY");
        }
        let mut obstacle = None;
        for source in &self.sources {
            match source.token().await {
                Ok(Some(token)) => return token_only(&token, source.name()),
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
