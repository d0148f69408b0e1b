//! What the vault needs from the two APIs, as a trait: who asks how often, and what is cleaned up
//! when, is tested without them.

use std::collections::HashMap;

use futures_util::future::BoxFuture;

use crate::borealis::{self, Borealis, DbUser, SshUser};
use crate::heroku::{self, Authorization, Heroku};
use crate::secret::Secret;

/// Hands out users, against short-lived authorizations.
pub trait Issuer: Send + Sync {
    /// Makes an authorization. Whoever has it must have it revoked.
    fn authorize(&self) -> BoxFuture<'_, Result<Authorization, heroku::Error>>;

    /// Ends an authorization; one that is gone already is as good.
    fn revoke<'a>(
        &'a self,
        authorization: &'a Authorization,
    ) -> BoxFuture<'a, Result<(), heroku::Error>>;

    /// The account's SSH user on an add-on.
    fn ssh_user<'a>(
        &'a self,
        addon: &'a str,
        token: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<SshUser, borealis::Error>>;

    /// One of the account's database users on an add-on.
    fn db_user<'a>(
        &'a self,
        addon: &'a str,
        token: &'a Secret<String>,
        write: bool,
    ) -> BoxFuture<'a, Result<DbUser, borealis::Error>>;

    /// All config vars of an app.
    fn config_vars<'a>(
        &'a self,
        app: &'a str,
    ) -> BoxFuture<'a, Result<HashMap<String, Secret<String>>, heroku::Error>>;
}

/// The two APIs themselves: Heroku makes authorizations and knows config vars, Borealis hands out
/// personal users.
#[derive(Clone, Debug)]
pub struct Apis {
    heroku: Heroku,
    borealis: Borealis,
}

impl Apis {
    /// From a client of each.
    #[must_use]
    pub fn new(heroku: Heroku, borealis: Borealis) -> Self {
        Self { heroku, borealis }
    }
}

impl Issuer for Apis {
    fn authorize(&self) -> BoxFuture<'_, Result<Authorization, heroku::Error>> {
        Box::pin(self.heroku.authorize())
    }

    fn revoke<'a>(
        &'a self,
        authorization: &'a Authorization,
    ) -> BoxFuture<'a, Result<(), heroku::Error>> {
        Box::pin(self.heroku.revoke(authorization))
    }

    fn ssh_user<'a>(
        &'a self,
        addon: &'a str,
        token: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<SshUser, borealis::Error>> {
        Box::pin(self.borealis.personal_ssh_user(addon, token))
    }

    fn db_user<'a>(
        &'a self,
        addon: &'a str,
        token: &'a Secret<String>,
        write: bool,
    ) -> BoxFuture<'a, Result<DbUser, borealis::Error>> {
        Box::pin(self.borealis.personal_db_user(addon, token, write))
    }

    fn config_vars<'a>(
        &'a self,
        app: &'a str,
    ) -> BoxFuture<'a, Result<HashMap<String, Secret<String>>, heroku::Error>> {
        Box::pin(self.heroku.config_vars(app))
    }
}
