//! The calls, each made with the login of the moment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answers::{Authorization, AuthorizationAnswer};
use super::error::Error;
use super::login::Login;
use crate::http::{self, Answer, Reached};
use crate::secret::Secret;

const API: &str = "Heroku";
/// Which version of the API the answers are in.
const MEDIA_TYPE: &str = "application/vnd.heroku+json; version=3";
/// Answers a 403 `two_factor`.
const TWO_FACTOR_CODE: &str = "heroku-two-factor-code";
/// Long enough for one call to a slow Borealis API, short enough to be worthless to a thief.
pub(crate) const AUTHORIZATION_LIFETIME: Duration = Duration::from_secs(180);
/// What people see in their list of authorizations, if one should ever stay behind.
const AUTHORIZATION_NAME: &str = "borealisd: short-lived, for one request to Borealis";

/// A client of the Heroku Platform API.
#[derive(Clone, Debug)]
pub struct Heroku {
    http: reqwest::Client,
    base: Url,
    login: Arc<Login>,
}

impl Heroku {
    /// For the API at `base`.
    #[must_use]
    pub fn new(http: reqwest::Client, base: Url, login: Arc<Login>) -> Self {
        Self { http, base, login }
    }

    /// Asks for nothing, and without the login: whether anybody answers.
    ///
    /// # Errors
    /// When nobody does.
    pub async fn reach(&self) -> Result<Reached, Error> {
        let request_id = uuid::Uuid::new_v4().to_string();
        let request = self.http.get(self.base.clone()).header(ACCEPT, MEDIA_TYPE);
        Ok(http::reach(API, request.header("request-id", request_id)).await?)
    }

    /// Where it is asked, for people: nothing else that an address may hold.
    #[must_use]
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Makes a short-lived token for the Borealis API. It must be revoked, whatever happens.
    ///
    /// # Errors
    /// Without a login, or when Heroku refuses.
    pub async fn authorize(&self) -> Result<Authorization, Error> {
        let login = self.login.token().await?;
        let body = json!({
            "description": AUTHORIZATION_NAME,
            "expires_in": AUTHORIZATION_LIFETIME.as_secs(),
            "scope": ["read", "identity"],
        });
        let answer =
            self.ask(&login, Method::POST, &["oauth", "authorizations"], Some(body)).await?;
        let AuthorizationAnswer { id, access_token } = answer.json()?;
        Ok(Authorization { id, token: access_token.token, login })
    }

    /// Ends an authorization. One that is gone already is as good.
    ///
    /// # Errors
    /// When Heroku refuses or does not answer.
    pub async fn revoke(&self, authorization: &Authorization) -> Result<(), Error> {
        let path = ["oauth", "authorizations", &authorization.id];
        match self.ask(&authorization.login, Method::DELETE, &path, None).await {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// All config vars of an app, most of them none of our business: take what is needed and drop
    /// the rest.
    ///
    /// # Errors
    /// Without a login, or when Heroku refuses.
    pub async fn config_vars(&self, app: &str) -> Result<HashMap<String, Secret<String>>, Error> {
        self.get(&["apps", app, "config-vars"]).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Error> {
        let login = self.login.token().await?;
        Ok(self.ask(&login, Method::GET, path, None).await?.json()?)
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: Value,
    ) -> Result<T, Error> {
        let login = self.login.token().await?;
        Ok(self.ask(&login, Method::POST, path, Some(body)).await?.json()?)
    }

    /// A question for a second factor is answered with the code that a client handed over, once.
    async fn ask(
        &self,
        login: &Secret<String>,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<Answer, Error> {
        let answer = self.ask_once(login, method.clone(), path, body.as_ref(), None).await;
        if matches!(answer, Err(Error::LoginRefused(_))) {
            self.login.refuse(login);
        }
        let (Err(Error::TwoFactor), Some(code)) = (&answer, self.login.code()) else {
            return answer;
        };
        let answer = self.ask_once(login, method, path, body.as_ref(), Some(&code)).await;
        if let Err(Error::TwoFactor | Error::LoginRefused(_)) = &answer {
            self.login.forget_code(&code);
            return Err(Error::TwoFactor);
        }
        answer
    }

    async fn ask_once(
        &self,
        login: &Secret<String>,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
        code: Option<&Secret<String>>,
    ) -> Result<Answer, Error> {
        let request_id = uuid::Uuid::new_v4().to_string();
        let mut request = self
            .http
            .request(method.clone(), http::url(&self.base, path))
            .header(ACCEPT, MEDIA_TYPE)
            .header("request-id", &request_id)
            .bearer_auth(login.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(code) = code {
            let mut code = HeaderValue::from_str(code.expose()).map_err(|_| Error::TwoFactor)?;
            code.set_sensitive(true);
            request = request.header(TWO_FACTOR_CODE, code);
        }
        let answer = http::send(API, request).await?;
        let status = answer.status().as_u16();
        tracing::debug!(%method, path = path.join("/"), status, request_id, "asked Heroku");
        if answer.status().is_success() { Ok(answer) } else { Err(Error::of(&answer)) }
    }
}

#[cfg(test)]
mod tests;
