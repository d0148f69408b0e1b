//! A panic in what a session stands on: that session begins again by itself, on the same port, and
//! no other one notices.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use borealis_proto::{Access, ErrorCode, Renew, Session, SessionId, SessionState};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::endpoint;
use super::manager::{Manager, Parts};
use crate::credentials::Vault;
use crate::credentials::fake_service::FakeService;
use crate::heroku::{Heroku, Login};
use crate::platform::Notices;
use crate::store::{Store, WantedSession};
use crate::tasks::Tasks;
use crate::tunnel::fakes::{Answer, Server};

struct World {
    manager: Manager,
    service: Arc<FakeService>,
    server: Arc<Server>,
    notices: Notices,
    all: TaskTracker,
    _home: tempfile::TempDir,
}

impl World {
    /// With sessions of these add-ons, as after a start.
    async fn with(addons: &[&str], faults: usize, script: &[Answer]) -> Self {
        let (home, all) = (tempfile::tempdir().unwrap(), TaskTracker::new());
        let (service, server) = (Arc::new(FakeService::default()), Arc::new(Server::default()));
        service.faults.store(faults, Ordering::SeqCst);
        server.script.lock().extend(script);
        let nowhere: reqwest::Url = "http://127.0.0.1:9".parse().unwrap();
        let login = Arc::new(Login::new(None, Vec::new()));
        let heroku = Heroku::new(reqwest::Client::new(), nowhere, login);
        let notices = Notices::default();
        let told = notices.clone();
        let requests = Tasks::new(&all).telling(move |fault| told.add(fault));
        let manager = Manager::new(Parts {
            heroku: Arc::new(heroku),
            vault: Arc::new(Vault::new(service.clone(), Renew::Auto, requests)),
            connector: server.clone(),
            links: 2,
            clients: 8,
            store: Store::load(&home.path().join("sessions.json")).store,
            notices: notices.clone(),
            tasks: all.clone(),
        });
        let mut wanted = Vec::new();
        for addon in addons {
            let free = endpoint::bind(0).await.unwrap().local_addr().unwrap().port();
            wanted.push(WantedSession {
                id: SessionId::new(addon),
                app: "sushi".into(),
                attachment: addon.to_uppercase(),
                addon: (*addon).to_owned(),
                addon_id: format!("id-of-{addon}"),
                access: Access::ReadOnly,
                port: free,
            });
        }
        manager.restore(wanted).await;
        Self { manager, service, server, notices, all, _home: home }
    }

    fn session(&self, addon: &str) -> Session {
        self.manager.get(&SessionId::new(addon)).unwrap()
    }

    async fn until(&self, addon: &str, state: SessionState) -> Session {
        let mut changes = self.manager.changes();
        loop {
            let session = self.session(addon);
            if session.state == state {
                return session;
            }
            changes.changed().await.unwrap();
        }
    }

    async fn stop(self) {
        self.manager.shut_down(Duration::ZERO).await;
        self.all.close();
        self.all.wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_password_is_made_stops_that_session_alone_and_not_for_long() {
    let world = World::with(&["good", "bad"], 2, &[]).await;
    let port = world.session("bad").endpoint.port;
    world.until("good", SessionState::Up).await;
    let bad = world.until("bad", SessionState::Up).await;
    assert_eq!(bad.endpoint.port, port);
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok());
    assert_eq!(world.notices.all().len(), 1, "{:?}", world.notices.all());
    let service = world.service.clone();
    world.stop().await;
    assert_eq!(*service.authorizations.lock(), (6, 6), "every authorization is ended");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_tunnel_is_shown_and_passes() {
    let world = World::with(&["one"], 0, &[Answer::Panic]).await;
    let mut changes = world.manager.changes();
    while world.session("one").reason.is_none_or(|reason| reason.code != ErrorCode::Internal) {
        changes.changed().await.unwrap();
    }
    let session = world.session("one");
    let reason = session.reason.unwrap();
    assert!(reason.message.contains("a fault of ours"), "{}", reason.message);
    assert_eq!(reason.hint.as_deref(), Some("borealisctl daemon logs"));
    assert!(session.next_retry_at.is_some());
    world.until("one", SessionState::Up).await;
    let notices = world.notices.all();
    assert!(notices.iter().any(|notice| notice.contains("tunnel to one")), "{notices:?}");
    assert_eq!(world.server.attempts.load(Ordering::SeqCst), 2);
    world.stop().await;
}

/// The parts of a session that have no fakes below them.
#[tokio::test(start_paused = true)]
async fn what_a_session_runs_on_is_kept_and_ends_with_it() {
    let world = World::with(&["one"], 0, &[]).await;
    world.until("one", SessionState::Up).await;
    let live = world.manager.find(&SessionId::new("one")).unwrap();
    live.connections.spawn(async { panic!("on purpose") });
    while world.notices.all().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(world.session("one").state, SessionState::Up);
    drop(live);
    let closed = world.manager.close(&SessionId::new("one"), Duration::ZERO).await;
    assert_eq!(closed.unwrap().state, SessionState::Closing);
    world.stop().await;
}

/// What an outage of the service costs in requests that Heroku counts, two a try, and how it ends.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_away_is_asked_seldom_and_a_wake_asks_at_once() {
    let world = World::with(&["one"], 0, &[]).await;
    *world.service.refusal.lock() = Some(503);
    let tries = || world.service.authorizations.lock().0;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let alone = tries();
    assert!((60..240).contains(&alone), "{alone} tries in an hour, for a key and for a password");

    let id = SessionId::new("one");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3600) {
        let _none = world.manager.credentials(&id, Duration::from_secs(8)).await;
    }
    let pressed = tries() - alone;
    assert!((300..=480).contains(&pressed), "{pressed} tries in an hour with somebody who waits");

    tokio::time::sleep(Duration::from_secs(300)).await;
    *world.service.refusal.lock() = None;
    let woken = Instant::now();
    world.manager.wake().await;
    world.until("one", SessionState::Up).await;
    assert!(woken.elapsed() < Duration::from_secs(1), "{:?}", woken.elapsed());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_wakes_while_the_service_is_asked_does_not_wait_after_it_failed() {
    let world = World::with(&["one"], 0, &[]).await;
    *world.service.refusal.lock() = Some(503);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let begun = Instant::now();
    let id = SessionId::new("one");
    let wakes = async {
        // The service thinks for 200 ms.
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.manager.wake().await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        *world.service.refusal.lock() = None;
    };
    let _ = tokio::join!(world.manager.reconnect(&id, Duration::from_millis(300)), wakes);
    world.until("one", SessionState::Up).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    world.stop().await;
}

/// Behind this tunnel nobody ever answers, as where the service has moved a database.
#[tokio::test(start_paused = true)]
async fn where_postgres_is_said_to_be_and_is_not_is_asked_again() {
    let world = World::with(&["one"], 0, &[]).await;
    world.until("one", SessionState::Up).await;
    let asked = || world.service.passwords.lock().len();
    tokio::time::sleep(Duration::from_secs(4 * 60)).await;
    assert_eq!(asked(), 1);
    tokio::time::sleep(Duration::from_secs(2 * 60)).await;
    assert_eq!(asked(), 2);
    tokio::time::sleep(Duration::from_secs(30 * 60)).await;
    assert_eq!(asked(), 2, "seldom");
    *world.service.refusal.lock() = Some(503);
    let authorizations = world.service.authorizations.lock().0;
    tokio::time::sleep(Duration::from_secs(40 * 60)).await;
    let asked = world.service.authorizations.lock().0 - authorizations;
    assert_eq!(asked, 1, "once, whatever the answer is");
    assert_eq!(world.session("one").state, SessionState::Up, "what is held serves on");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_looked_at_again() {
    let world = World::with(&["one"], 0, &[]).await;
    *world.service.refusal.lock() = Some(404);
    world.until("one", SessionState::Blocked).await;
    *world.service.refusal.lock() = None;
    let blocked = Instant::now();
    world.until("one", SessionState::Up).await;
    assert!(blocked.elapsed() > Duration::from_secs(600), "{:?}", blocked.elapsed());
    world.stop().await;
}
