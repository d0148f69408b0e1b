//! A service for tests above this room: hands out numbered users after a moment, or refuses, and
//! notes when it handed out what.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::Instant;

use super::{Issuer, Secret};
use crate::borealis::{self, DbUser, Refusal, SshUser};
use crate::heroku::{self, Authorization};
use crate::locked::Locked;

/// How long it thinks.
const THINKS: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Default)]
pub(crate) struct FakeService {
    /// What it answers to everything but a goodbye.
    pub(crate) refusal: Locked<Option<u16>>,
    /// The next so many times that it is asked for a password of the add-on `bad`, it panics.
    pub(crate) faults: AtomicUsize,
    /// When each SSH key was handed out; the user of the first is `u1`.
    pub(crate) keys: Locked<Vec<Instant>>,
    /// The same of database users.
    pub(crate) passwords: Locked<Vec<Instant>>,
    /// Requests for an SSH key that are being answered, and the most there ever were.
    busy: AtomicUsize,
    pub(crate) busiest: AtomicUsize,
    /// Authorizations made, and ended.
    pub(crate) authorizations: Locked<(usize, usize)>,
}

impl FakeService {
    fn answer(&self) -> Result<(), borealis::Error> {
        let refusal = match *self.refusal.lock() {
            None => return Ok(()),
            Some(401) => Refusal::Login,
            Some(403) => Refusal::AccessRevoked,
            Some(404) => Refusal::NotFound,
            Some(423) => Refusal::Upgrading,
            Some(status) => Refusal::Unavailable(status),
        };
        Err(borealis::Error::Refused { addon: "a".into(), refusal, service_text: None })
    }

    fn fault(&self, addon: &str) {
        if addon == "bad" {
            let left = |left: usize| left.checked_sub(1);
            let fault = self.faults.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
            assert!(fault.is_err(), "on purpose");
        }
    }

    pub(crate) fn handed(&self) -> usize {
        self.keys.lock().len()
    }
}

impl Issuer for FakeService {
    fn authorize(&self) -> BoxFuture<'_, Result<Authorization, heroku::Error>> {
        let mut count = self.authorizations.lock();
        count.0 += 1;
        let id = count.0.to_string();
        let secret = || Secret::new("canary".to_owned());
        std::future::ready(Ok(Authorization { id, token: secret(), login: secret() })).boxed()
    }

    fn revoke<'a>(
        &'a self,
        _authorization: &'a Authorization,
    ) -> BoxFuture<'a, Result<(), heroku::Error>> {
        self.authorizations.lock().1 += 1;
        std::future::ready(Ok(())).boxed()
    }

    fn ssh_user<'a>(
        &'a self,
        _addon: &'a str,
        _token: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<SshUser, borealis::Error>> {
        async {
            let busy = self.busy.fetch_add(1, Ordering::SeqCst) + 1;
            self.busiest.fetch_max(busy, Ordering::SeqCst);
            tokio::time::sleep(THINKS).await;
            self.busy.fetch_sub(1, Ordering::SeqCst);
            self.answer()?;
            let mut keys = self.keys.lock();
            keys.push(Instant::now());
            let user = json!({"sshHost": "h", "sshUsername": format!("u{}", keys.len()),
                "sshPrivateKey": "canary", "publicSshHostKey": "ssh-ed25519 AAAA"});
            Ok(serde_json::from_value(user).unwrap())
        }
        .boxed()
    }

    fn db_user<'a>(
        &'a self,
        addon: &'a str,
        _token: &'a Secret<String>,
        _write: bool,
    ) -> BoxFuture<'a, Result<DbUser, borealis::Error>> {
        async move {
            tokio::time::sleep(THINKS).await;
            self.fault(addon);
            self.answer()?;
            let mut passwords = self.passwords.lock();
            passwords.push(Instant::now());
            let user = json!({"dbHost": "h", "dbName": "d", "dbPassword": "canary",
                "dbUsername": format!("p{}", passwords.len())});
            Ok(serde_json::from_value(user).unwrap())
        }
        .boxed()
    }

    fn config_vars<'a>(
        &'a self,
        _app: &'a str,
    ) -> BoxFuture<'a, Result<HashMap<String, Secret<String>>, heroku::Error>> {
        std::future::ready(Ok(HashMap::new())).boxed()
    }
}
