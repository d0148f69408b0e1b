//! The calls.

use reqwest::Url;
use reqwest::header::ACCEPT;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{Error, Refusal};
use super::users::{DbUser, SshUser};
use crate::http::{self, Answer};
use crate::secret::Secret;

const API: &str = "the Borealis service";

/// A client of the Borealis API. Every call takes the short-lived token that it is made with.
#[derive(Clone, Debug)]
pub struct Borealis {
    http: reqwest::Client,
    base: Url,
}

impl Borealis {
    /// For the API at `base`.
    #[must_use]
    pub fn new(http: reqwest::Client, base: Url) -> Self {
        Self { http, base }
    }

    /// Creates the account's SSH user on an add-on, or brings it back.
    ///
    /// # Errors
    /// As the table of statuses says, or without a readable answer.
    pub async fn personal_ssh_user(
        &self,
        addon: &str,
        token: &Secret<String>,
    ) -> Result<SshUser, Error> {
        self.post(addon, "personal-ssh-users", token, None).await
    }

    /// Creates one of the account's two database users on an add-on, or brings it back.
    ///
    /// # Errors
    /// As the table of statuses says, or without a readable answer.
    pub async fn personal_db_user(
        &self,
        addon: &str,
        token: &Secret<String>,
        write: bool,
    ) -> Result<DbUser, Error> {
        let body = json!({ "enableWriteAccess": write });
        self.post(addon, "personal-db-users", token, Some(body)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        addon: &str,
        resource: &str,
        token: &Secret<String>,
        body: Option<Value>,
    ) -> Result<T, Error> {
        let address = http::url(&self.base, &["heroku", "resources", addon, resource]);
        let mut request =
            self.http.post(address).header(ACCEPT, "application/json").bearer_auth(token.expose());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let unusable = |source| Error::Http { addon: addon.to_owned(), source };
        let answer = http::send(API, request).await.map_err(unusable)?;
        tracing::debug!(addon, resource, status = answer.status().as_u16(), "asked Borealis");
        successful(addon, answer)?.json().map_err(unusable)
    }
}

fn successful(addon: &str, answer: Answer) -> Result<Answer, Error> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    Err(Error::Refused {
        addon: addon.to_owned(),
        refusal: Refusal::of(&answer),
        service_text: answer.text("reason"),
    })
}

#[cfg(test)]
mod tests;
