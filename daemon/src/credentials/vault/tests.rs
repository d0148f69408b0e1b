use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use borealis_proto::ErrorCode;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::*;
use crate::borealis::{self, Refusal};
use crate::heroku::{self, Authorization};
use crate::secret::Secret;

/// What the fake service does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    /// Lets its users wait.
    Slow,
    Upgrading,
    Broken,
}

/// Writes down what it was asked.
struct Fake {
    mood: watch::Sender<Mood>,
    /// How many of the next calls to revoke fail …
    revoke_failures: Mutex<u32>,
    /// … and whether they say when to come again.
    come_again: Mutex<Option<Duration>>,
    config: Mutex<HashMap<String, String>>,
    asked: Mutex<Vec<String>>,
}

impl Fake {
    fn note(&self, what: impl Into<String>) {
        self.asked.lock().unwrap().push(what.into());
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn user<T: serde::de::DeserializeOwned>(
        &self,
        user: serde_json::Value,
    ) -> Result<T, borealis::Error> {
        let mood = *self.mood.subscribe().wait_for(|mood| *mood != Mood::Slow).await.unwrap();
        match mood {
            Mood::Well | Mood::Slow => Ok(serde_json::from_value(user).unwrap()),
            Mood::Upgrading => Err(borealis::Error::Refused {
                addon: "a".into(),
                refusal: Refusal::Upgrading,
                service_text: None,
            }),
            Mood::Broken => panic!("a fault of ours"),
        }
    }
}

impl Issuer for Fake {
    fn authorize(&self) -> BoxFuture<'_, Result<Authorization, heroku::Error>> {
        self.note("authorize");
        let id = format!("auth-{}", self.asked().len());
        let secret = || Secret::new("canary".to_owned());
        Box::pin(async move { Ok(Authorization { id, token: secret(), login: secret() }) })
    }

    fn revoke<'a>(
        &'a self,
        authorization: &'a Authorization,
    ) -> BoxFuture<'a, Result<(), heroku::Error>> {
        self.note(format!("revoke {}", authorization.id));
        let mut failures = self.revoke_failures.lock().unwrap();
        let fails = *failures > 0;
        *failures = failures.saturating_sub(1);
        let error = match *self.come_again.lock().unwrap() {
            Some(pause) => heroku::Error::RateLimited(pause),
            None => heroku::Error::Nameless,
        };
        Box::pin(async move { if fails { Err(error) } else { Ok(()) } })
    }

    fn ssh_user<'a>(
        &'a self,
        addon: &'a str,
        token: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<borealis::SshUser, borealis::Error>> {
        assert_eq!(token.expose(), "canary");
        self.note(format!("ssh {addon}"));
        Box::pin(self.user(json!({"sshHost": "h", "sshUsername": "u", "sshPrivateKey": "canary",
            "publicSshHostKey": "ssh-ed25519 AAAA"})))
    }

    fn db_user<'a>(
        &'a self,
        addon: &'a str,
        _token: &'a Secret<String>,
        write: bool,
    ) -> BoxFuture<'a, Result<borealis::DbUser, borealis::Error>> {
        self.note(format!("db {addon} {write}"));
        Box::pin(self.user(json!({"dbHost": "h", "dbName": "d", "dbPassword": "canary",
            "dbUsername": if write { "rw" } else { "ro" }})))
    }

    fn config_vars<'a>(
        &'a self,
        app: &'a str,
    ) -> BoxFuture<'a, Result<HashMap<String, Secret<String>>, heroku::Error>> {
        self.note(format!("config {app}"));
        let vars = self.config.lock().unwrap().clone();
        Box::pin(async { Ok(vars.into_iter().map(|(key, var)| (key, Secret::new(var))).collect()) })
    }
}

fn bench(mood: Mood) -> (Arc<Fake>, Arc<Vault>, TaskTracker) {
    let fake = Arc::new(Fake {
        mood: watch::Sender::new(mood),
        revoke_failures: Mutex::new(0),
        come_again: Mutex::default(),
        config: Mutex::default(),
        asked: Mutex::default(),
    });
    let tracker = TaskTracker::new();
    let vault = Arc::new(Vault::new(fake.clone(), Renew::Auto, Tasks::new(&tracker)));
    (fake, vault, tracker)
}

fn personal() -> Owner {
    Owner::Personal { addon: "a".into() }
}

fn application() -> Owner {
    Owner::Application { addon: "a".into(), app: "sushi".into(), attachment: "DATABASE".into() }
}

/// Waits for all tasks, as the daemon's end does.
async fn finished(vault: &Vault, tracker: &TaskTracker) {
    vault.finish().await;
    assert_eq!(tracker.len(), 0, "a task is left");
}

#[tokio::test(start_paused = true)]
async fn one_authorization_a_mint_and_it_is_revoked() {
    let (fake, vault, tracker) = bench(Mood::Well);
    let ssh = vault.ssh(&personal(), Want::Any).await.unwrap();
    assert_eq!((&*ssh.host, ssh.port, &*ssh.user), ("h", 22, "u"));
    finished(&vault, &tracker).await;
    assert_eq!(fake.asked(), ["authorize", "ssh a", "revoke auth-1"]);
}

#[tokio::test(start_paused = true)]
async fn each_kind_and_access_has_a_mint_of_its_own() {
    let (fake, vault, tracker) = bench(Mood::Well);
    for access in [Access::ReadOnly, Access::ReadWrite, Access::ReadOnly] {
        let user = &vault.database(&personal(), access, Want::Any).await.unwrap().user;
        assert_eq!(user, if access == Access::ReadWrite { "rw" } else { "ro" });
    }
    vault.ssh(&personal(), Want::Any).await.unwrap();
    finished(&vault, &tracker).await;
    let asked = fake.asked();
    for once in ["db a false", "db a true", "ssh a"] {
        assert_eq!(asked.iter().filter(|asked| *asked == once).count(), 1, "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_shared_and_the_authorization_revoked() {
    let (fake, vault, tracker) = bench(Mood::Slow);
    let owner = personal();
    let mut all = Box::pin(join_all((0..5).map(|_| vault.ssh(&owner, Want::Any))));
    assert!((&mut all).now_or_never().is_none());
    fake.mood.send_replace(Mood::Upgrading);
    for answer in all.await {
        assert_eq!(answer.unwrap_err().failure().reason.code, ErrorCode::Upgrading);
    }
    finished(&vault, &tracker).await;
    assert_eq!(fake.asked(), ["authorize", "ssh a", "revoke auth-1"]);
}

#[tokio::test(start_paused = true)]
async fn revoked_also_when_who_asked_has_gone() {
    let (fake, vault, tracker) = bench(Mood::Slow);
    let owner = personal();
    let mut asking = Box::pin(vault.ssh(&owner, Want::Any));
    assert!((&mut asking).now_or_never().is_none());
    drop(asking);
    fake.mood.send_replace(Mood::Well);
    finished(&vault, &tracker).await;
    assert_eq!(fake.asked(), ["authorize", "ssh a", "revoke auth-1"]);
}

#[tokio::test(start_paused = true)]
async fn revoked_also_after_a_panic() {
    let (fake, vault, tracker) = bench(Mood::Broken);
    let error = vault.ssh(&personal(), Want::Any).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted));
    finished(&vault, &tracker).await;
    assert_eq!(fake.asked(), ["authorize", "ssh a", "revoke auth-1"]);
}

#[tokio::test(start_paused = true)]
async fn revoking_is_tried_again_and_nobody_waits_for_it() {
    let (fake, vault, tracker) = bench(Mood::Well);
    *fake.revoke_failures.lock().unwrap() = 2;
    let start = tokio::time::Instant::now();
    vault.ssh(&personal(), Want::Any).await.unwrap();
    assert_eq!(start.elapsed().as_millis(), 0, "the caller waited");
    finished(&vault, &tracker).await;
    let revoked = fake.asked().iter().filter(|asked| *asked == "revoke auth-1").count();
    assert_eq!(revoked, 3);
}

#[tokio::test(start_paused = true)]
async fn revoking_comes_again_when_heroku_says() {
    // Longer than the authorization lives is never, and the daemon's end waits for neither.
    for (pause, patience, tries) in [(20, 60, 3), (200, 600, 1), (20, 0, 1)] {
        let (fake, vault, tracker) = bench(Mood::Well);
        *fake.revoke_failures.lock().unwrap() = 2;
        *fake.come_again.lock().unwrap() = Some(Duration::from_secs(pause));
        vault.ssh(&personal(), Want::Any).await.unwrap();
        tokio::time::sleep(Duration::from_secs(patience)).await;
        let ended = tokio::time::Instant::now();
        finished(&vault, &tracker).await;
        assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
        let revoked = fake.asked().iter().filter(|asked| *asked == "revoke auth-1").count();
        assert_eq!(revoked, tries, "every {pause} s for {patience} s");
    }
}

#[tokio::test(start_paused = true)]
async fn revoking_is_given_up_at_last() {
    let (fake, vault, tracker) = bench(Mood::Well);
    *fake.revoke_failures.lock().unwrap() = u32::MAX;
    vault.ssh(&personal(), Want::Any).await.unwrap();
    finished(&vault, &tracker).await;
    assert_eq!(fake.asked().len(), 2 + 4);
}

#[tokio::test(start_paused = true)]
async fn forgotten_is_asked_for_again() {
    let (fake, vault, _tracker) = bench(Mood::Well);
    let old = vault.ssh(&personal(), Want::Any).await.unwrap().generation;
    vault.forget(&personal());
    assert!(vault.ssh(&personal(), Want::Any).await.unwrap().generation > old);
    assert_eq!(fake.asked().iter().filter(|asked| *asked == "ssh a").count(), 2);
}

fn conn_info(item: &str) -> HashMap<String, String> {
    let value = format!(
        "SSH_HOST:=s|SSH_USERNAME:=u|SSH_USER_PRIVATE_KEY:=canary|SSH_PUBLIC_HOST_KEY:=k|\
         POSTGRES_DB_NAME:=d|POSTGRES_WRITER_HOST:=w|POSTGRES_WRITER_USERNAME:=wu|\
         POSTGRES_WRITER_PASSWORD:=canary|POSTGRES_READER_HOST:=r|POSTGRES_READER_USERNAME:=ru|\
         {item}"
    );
    HashMap::from([("DATABASE_TUNNEL_BPG_CONN_INFO".to_owned(), value)])
}

#[tokio::test(start_paused = true)]
async fn one_look_at_the_config_vars_serves_all_of_the_applications_users() {
    let (fake, vault, tracker) = bench(Mood::Well);
    *fake.config.lock().unwrap() = conn_info("POSTGRES_READER_PASSWORD:=canary");
    let owner = application();
    let (ssh, reader, writer) = tokio::join!(
        vault.ssh(&owner, Want::Any),
        vault.database(&owner, Access::ReadOnly, Want::Any),
        vault.database(&owner, Access::ReadWrite, Want::Any),
    );
    let (ssh, reader, writer) = (ssh.unwrap(), reader.unwrap(), writer.unwrap());
    assert_eq!((&*ssh.host, &*reader.user, &*writer.user), ("s", "ru", "wu"));
    assert_eq!(fake.asked(), ["config sushi"]);
    vault.database(&owner, Access::ReadOnly, Want::Other(reader.generation)).await.unwrap();
    assert!(vault.ssh(&owner, Want::Any).await.unwrap().generation > ssh.generation);
    assert_eq!(fake.asked(), ["config sushi", "config sushi"]);
    finished(&vault, &tracker).await;
}

#[tokio::test(start_paused = true)]
async fn a_config_var_that_was_corrected_is_seen() {
    let (fake, vault, _tracker) = bench(Mood::Well);
    *fake.config.lock().unwrap() = conn_info("");
    let error = vault.database(&application(), Access::ReadOnly, Want::Any).await.unwrap_err();
    assert_eq!(error.failure().reason.code, ErrorCode::ConnInfoInvalid);
    *fake.config.lock().unwrap() = conn_info("POSTGRES_READER_PASSWORD:=canary");
    vault.database(&application(), Access::ReadOnly, Want::Any).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_that_can_be_printed_holds_a_secret() {
    let (fake, vault, _tracker) = bench(Mood::Well);
    *fake.config.lock().unwrap() = conn_info("POSTGRES_READER_PASSWORD:=canary");
    let printed = format!(
        "{vault:?} {:?} {:?} {:?} {:?}",
        vault.ssh(&personal(), Want::Any).await,
        vault.database(&personal(), Access::ReadOnly, Want::Any).await,
        vault.ssh(&application(), Want::Any).await,
        fake.authorize().await,
    );
    assert!(printed.contains("<secret>") && !printed.contains("canary"), "{printed}");
}
