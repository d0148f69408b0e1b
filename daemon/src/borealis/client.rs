//! How a call is made, and the two that hand out the account's users.

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::declined::Declined;
use super::error::{Error, Refusal};
use super::users::{DbUser, SshUser};
use crate::http::{self, Answer, Reached};
use crate::secret::Secret;

const API: &str = "the Borealis service";

/// A client of the Borealis API. Every call takes the short-lived token that it is made with.
#[derive(Clone, Debug)]
pub struct Borealis {
    http: reqwest::Client,
    base: Url,
}

/// One call about an add-on.
pub(super) struct Call<'a> {
    addon: &'a str,
    method: Method,
    /// Below the add-on's own path; nothing is the add-on itself.
    path: &'a [&'a str],
    body: Option<Value>,
    /// Where the usual one is too short.
    timeout: Option<Duration>,
    /// Statuses that mean something else on this call than on all others.
    declined: &'a (dyn Fn(&Answer) -> Option<Declined> + Sync),
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, addon: &'a str, path: &'a [&'a str]) -> Self {
        Self { addon, method, path, body: None, timeout: None, declined: &|_| None }
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(super) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(super) fn declined(
        mut self,
        meaning: &'a (dyn Fn(&Answer) -> Option<Declined> + Sync),
    ) -> Self {
        self.declined = meaning;
        self
    }

    pub(super) fn unusable(&self, source: http::Error) -> Error {
        Error::Http { addon: self.addon.to_owned(), source }
    }
}

impl Borealis {
    /// For the API at `base`.
    #[must_use]
    pub fn new(http: reqwest::Client, base: Url) -> Self {
        Self { http, base }
    }

    /// Asks for nothing, and without a token: whether anybody answers.
    ///
    /// # Errors
    /// When nobody does.
    pub async fn reach(&self) -> Result<Reached, http::Error> {
        http::reach(API, self.http.get(self.base.clone())).await
    }

    /// Where it is asked, for people: nothing else that an address may hold.
    #[must_use]
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
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
        self.fetch(Call::new(Method::POST, addon, &["personal-ssh-users"]), token).await
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
        let call = Call::new(Method::POST, addon, &["personal-db-users"])
            .body(json!({ "enableWriteAccess": write }));
        self.fetch(call, token).await
    }

    /// Makes a call whose answer is of use.
    pub(super) async fn fetch<T: serde::de::DeserializeOwned>(
        &self,
        call: Call<'_>,
        token: &Secret<String>,
    ) -> Result<T, Error> {
        let answer = self.ask(&call, token).await?;
        answer.json().map_err(|error| call.unusable(error))
    }

    /// Makes a call; an answer is one of success.
    pub(super) async fn ask(
        &self,
        call: &Call<'_>,
        token: &Secret<String>,
    ) -> Result<Answer, Error> {
        let path = [&["heroku", "resources", call.addon], call.path].concat();
        let mut request = self
            .http
            .request(call.method.clone(), http::url(&self.base, &path))
            .header(ACCEPT, "application/json")
            .bearer_auth(token.expose());
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        if let Some(timeout) = call.timeout {
            request = request.timeout(timeout);
        }
        let answer = http::send(API, request).await.map_err(|error| call.unusable(error))?;
        let (method, resource) = (&call.method, call.path.join("/"));
        let status = answer.status().as_u16();
        tracing::debug!(addon = call.addon, %method, resource, status, "asked Borealis");
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(call, &answer)) }
    }
}

fn refusal(call: &Call<'_>, answer: &Answer) -> Error {
    let (addon, service_text) = (call.addon.to_owned(), answer.text("reason"));
    match (call.declined)(answer) {
        Some(declined) => Error::Declined { addon, declined, service_text },
        None => Error::Refused { addon, refusal: Refusal::of(answer), service_text },
    }
}

#[cfg(test)]
mod tests;
