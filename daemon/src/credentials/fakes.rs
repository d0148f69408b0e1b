//! A service for the tests of what stands on credentials.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::{Issuer, Secret};
use crate::borealis::{self, DbUser, SshUser};
use crate::heroku::{self, Authorization};

/// A service that panics over one add-on, as often as it is told.
#[derive(Default)]
pub(crate) struct Service {
    /// The next so many passwords of the add-on `bad`.
    pub(crate) faults: AtomicUsize,
    pub(crate) revoked: AtomicUsize,
}

impl Service {
    fn fault(&self, addon: &str) {
        if addon == "bad" {
            let left = |left: usize| left.checked_sub(1);
            let fault = self.faults.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
            assert!(fault.is_err(), "on purpose");
        }
    }
}

impl Issuer for Service {
    fn authorize(&self) -> BoxFuture<'_, Result<Authorization, heroku::Error>> {
        let secret = || Secret::new("canary".to_owned());
        let made = Authorization { id: "id".into(), token: secret(), login: secret() };
        std::future::ready(Ok(made)).boxed()
    }

    fn revoke<'a>(
        &'a self,
        _authorization: &'a Authorization,
    ) -> BoxFuture<'a, Result<(), heroku::Error>> {
        self.revoked.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(())).boxed()
    }

    fn ssh_user<'a>(
        &'a self,
        _addon: &'a str,
        _token: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<SshUser, borealis::Error>> {
        let user = json!({"sshHost": "h", "sshUsername": "u", "sshPrivateKey": "k",
            "publicSshHostKey": "ssh-ed25519 AAAA"});
        std::future::ready(Ok(serde_json::from_value(user).unwrap())).boxed()
    }

    fn db_user<'a>(
        &'a self,
        addon: &'a str,
        _token: &'a Secret<String>,
        _write: bool,
    ) -> BoxFuture<'a, Result<DbUser, borealis::Error>> {
        self.fault(addon);
        let user = json!({"dbHost": "h", "dbName": "d", "dbPassword": "p", "dbUsername": "u"});
        std::future::ready(Ok(serde_json::from_value(user).unwrap())).boxed()
    }

    fn config_vars<'a>(
        &'a self,
        _app: &'a str,
    ) -> BoxFuture<'a, Result<HashMap<String, Secret<String>>, heroku::Error>> {
        std::future::pending().boxed()
    }
}
