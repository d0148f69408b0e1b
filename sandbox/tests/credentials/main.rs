//! What happens to keys, passwords, logins and attachments while a session is open, and what the
//! APIs are asked because of it: every call is counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails should fail the test")]

mod moved;
#[path = "../support/mod.rs"]
mod support;

use std::process::Stdio;

use borealis_proto::{CredentialKind, ErrorCode, Event, Session, SessionState};
use borealis_sandbox::{Fault, Power, Rotate};
use jiff::Timestamp;
use rand::{RngExt as _, SeedableRng as _};
use support::{UNTIL_TOLD, World, run};
use tokio::io::{AsyncBufReadExt, BufReader};

const TARGET: &str = "sushi/DATABASE";
const ADDON: &str = "borealis-pg-hex-12345";

/// What the APIs were asked.
#[derive(Debug, PartialEq, Eq)]
struct Calls {
    authorizations: usize,
    keys: usize,
    passwords: usize,
    /// What a target means.
    resolves: usize,
}

/// Since the last look; every authorization was deleted, and nothing else was asked.
async fn calls(world: &World) -> Calls {
    let count = |method, path| world.sandbox.count(method, path);
    world
        .until("each authorization is deleted", || async {
            count("POST", "/oauth/authorizations") == count("DELETE", "/oauth/authorizations/")
        })
        .await;
    let calls = Calls {
        authorizations: count("POST", "/oauth/authorizations"),
        keys: count("POST", "/personal-ssh-users"),
        passwords: count("POST", "/personal-db-users"),
        resolves: count("POST", "/actions/addon-attachments/resolve"),
    };
    let Calls { authorizations, keys, passwords, resolves } = calls;
    let all = world.sandbox.requests();
    assert_eq!(all.len(), 2 * authorizations + keys + passwords + resolves, "{all:?}");
    world.sandbox.clear_requests();
    calls
}

async fn rotate(world: &World, what: Rotate) {
    world.sandbox.fault(Fault::Rotate { what, addon: None }).await.unwrap();
}

/// The key is refused from now on, and no link is left.
async fn lose_the_key(world: &World) {
    rotate(world, Rotate::Ssh).await;
    world.sandbox.fault(Fault::Cut).await.unwrap();
}

async fn answer_with(world: &World, code: u16, path: Option<&str>) {
    let path = path.map(str::to_owned);
    world
        .sandbox
        .fault(Fault::Status { code, times: 1000, path, retry_after: None })
        .await
        .unwrap();
}

async fn up(world: &World) -> Session {
    let session = world.up(&[TARGET]).await;
    let first = world.sandbox.count("GET", "/addons/");
    assert_eq!(first, 1);
    // Opening asks for more than what follows; the rest of it is other tests' business.
    world
        .until("each authorization is deleted", || async {
            world.sandbox.count("DELETE", "/oauth/authorizations/") == 2
        })
        .await;
    world.sandbox.clear_requests();
    session
}

async fn until_reason(world: &World, state: SessionState, code: ErrorCode) -> Session {
    let holds = |session: &Session| {
        session.state == state && session.reason.as_ref().is_some_and(|reason| reason.code == code)
    };
    world
        .until(&format!("it is {state}: {code:?}"), || async { holds(&world.status(TARGET).await) })
        .await;
    world.status(TARGET).await
}

#[tokio::test]
async fn a_key_that_is_refused_is_renewed_once_and_then_not_for_half_a_minute() {
    let world = World::new().await;
    let session = up(&world).await;
    lose_the_key(&world).await;
    world.until("it is renewed", || async { world.status(TARGET).await.renewed.is_some() }).await;
    world.until_state(TARGET, SessionState::Up).await;
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    let once = Calls { authorizations: 1, keys: 1, passwords: 0, resolves: 1 };
    assert_eq!(calls(&world).await, once);

    lose_the_key(&world).await;
    let waits = until_reason(&world, SessionState::Reconnecting, ErrorCode::RateLimited).await;
    let due = waits.next_retry_at.unwrap().duration_since(Timestamp::now()).as_secs();
    assert!((0..=30).contains(&due), "{due} s");
    assert_eq!(waits.reason.unwrap().hint.unwrap(), "borealisctl refresh sushi/DATABASE");
    assert!(calls(&world).await.keys == 0, "not so soon");

    world.ctl(&["refresh", TARGET]).await.ok();
    let by_a_person = Calls { authorizations: 2, keys: 1, passwords: 1, resolves: 0 };
    assert_eq!(calls(&world).await, by_a_person);
    let now = world.status(TARGET).await;
    assert_eq!((now.state, now.renewed), (SessionState::Up, None), "who refreshes knows");
    world.finish().await;
}

#[tokio::test]
async fn a_renewal_that_had_to_wait_comes_by_itself() {
    let world = World::new().await;
    up(&world).await;
    for _ in 0..2 {
        let asked = || world.sandbox.count("POST", "/personal-ssh-users");
        let before = asked();
        lose_the_key(&world).await;
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        while asked() == before || world.status(TARGET).await.state != SessionState::Up {
            assert!(tokio::time::Instant::now() < deadline, "never renewed");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    let requests = world.sandbox.requests();
    let keys: Vec<_> =
        requests.iter().filter(|one| one.path.contains("personal-ssh-users")).collect();
    assert_eq!(keys.len(), 2);
    let apart = keys[1].at.duration_since(keys[0].at).as_secs_f64();
    assert!(apart >= 29.9, "{apart} s");
    world.finish().await;
}

#[tokio::test]
async fn a_password_that_was_changed_is_renewed_once_by_who_needs_it() {
    let world = World::new().await;
    up(&world).await;
    let old = world.ctl(&["url", TARGET]).await.ok();
    for resolves in [1, 0] {
        rotate(&world, Rotate::Db).await;
        assert_ne!(world.ctl(&["url", TARGET]).await.ok(), old);
        let once = Calls { authorizations: 1, keys: 0, passwords: 1, resolves };
        assert_eq!(calls(&world).await, once, "a person does not wait");
    }
    let renewed = world.status(TARGET).await.renewed.unwrap();
    assert_eq!(renewed.credential, CredentialKind::Password);
    world.finish().await;
}

#[tokio::test]
async fn a_colleagues_reset_is_renewed_once_and_said() {
    let world = World::new().await;
    let session = up(&world).await;
    let mut events = world.ctl_command(&["events"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines();
    lines.next_line().await.unwrap().unwrap();

    world.sandbox.fault(Fault::ResetUsers { addon: None }).await.unwrap();
    let renewed = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        let Event::Session { session } = serde_json::from_str(&line).unwrap() else { continue };
        if let Some(renewed) = session.renewed {
            break renewed;
        }
    };
    assert_eq!(renewed.credential, CredentialKind::SshKey);
    world.until_state(TARGET, SessionState::Up).await;
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    let once_each = Calls { authorizations: 2, keys: 1, passwords: 1, resolves: 1 };
    assert_eq!(calls(&world).await, once_each);

    let told = world.ctl(&["status", TARGET]).await.ok();
    assert!(told.contains("renewed") && told.contains("refused it"), "{told}");
    let log = std::fs::read_to_string(world.state_dir().join("borealisd.log")).unwrap();
    let said = log.lines().filter(|line| line.contains("somebody may have reset the users"));
    let said: Vec<_> = said.collect();
    assert_eq!(said.len(), 2, "one line each: {said:?}");
    assert!(said.iter().all(|line| line.contains("WARN")), "{said:?}");
    events.kill().await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn access_that_is_revoked_is_asked_for_once_until_it_is_given_back() {
    let world = World::new().await;
    up(&world).await;
    answer_with(&world, 403, None).await;
    lose_the_key(&world).await;
    let blocked = until_reason(&world, SessionState::Blocked, ErrorCode::AccessRevoked).await;
    let due = blocked.next_retry_at.unwrap().duration_since(Timestamp::now()).as_secs();
    assert!((14 * 60..=15 * 60).contains(&due), "{due} s");
    let once = Calls { authorizations: 1, keys: 1, passwords: 0, resolves: 1 };
    assert_eq!(calls(&world).await, once);

    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.ctl(&["reconnect", TARGET]).await.ok();
    let again = Calls { authorizations: 1, keys: 1, passwords: 0, resolves: 0 };
    assert_eq!(calls(&world).await, again);
    world.finish().await;
}

#[tokio::test]
async fn an_upgrade_is_waited_for_with_one_request() {
    let world = World::new().await;
    up(&world).await;
    answer_with(&world, 423, None).await;
    lose_the_key(&world).await;
    let waits = until_reason(&world, SessionState::Reconnecting, ErrorCode::Upgrading).await;
    let due = waits.next_retry_at.unwrap().duration_since(Timestamp::now()).as_secs();
    assert!((120..=150).contains(&due), "{due} s");
    let once = Calls { authorizations: 1, keys: 1, passwords: 0, resolves: 1 };
    assert_eq!(calls(&world).await, once);

    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.ctl(&["reconnect", TARGET]).await.ok();
    let again = Calls { authorizations: 1, keys: 1, passwords: 0, resolves: 0 };
    assert_eq!(calls(&world).await, again);
    world.finish().await;
}

#[tokio::test]
async fn without_a_login_nothing_is_asked_of_the_service() {
    let world = World::new().await;
    up(&world).await;
    answer_with(&world, 401, Some("/oauth/authorizations")).await;
    lose_the_key(&world).await;
    until_reason(&world, SessionState::Blocked, ErrorCode::LoginRequired).await;
    assert_eq!(world.sandbox.count("POST", "/oauth/authorizations"), 1);
    assert_eq!(world.sandbox.count("POST", "/personal-"), 0);
    assert_eq!(world.sandbox.count("DELETE", "/oauth/"), 0, "there was none to delete");

    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.sandbox.clear_requests();
    world.ctl(&["reconnect", TARGET]).await.ok();
    let renewed = Calls { authorizations: 1, keys: 1, passwords: 0, resolves: 0 };
    assert_eq!(calls(&world).await, renewed);
    world.finish().await;
}

#[tokio::test]
async fn with_ask_nothing_is_renewed_before_a_person_says_so() {
    let mut world = World::new().await;
    world.set("BOREALIS_RENEW", "ask");
    let session = up(&world).await;
    let old = world.ctl(&["url", TARGET]).await.ok();

    lose_the_key(&world).await;
    let blocked = until_reason(&world, SessionState::Blocked, ErrorCode::RefreshRequired).await;
    let hint = blocked.reason.unwrap().hint.unwrap();
    assert_eq!(hint, "borealisctl refresh sushi/DATABASE");
    for command in ["up", "reconnect", "wait"] {
        let said = world.ctl(&[command, TARGET]).await.fails(6);
        assert!(said.contains(&hint), "{command}: {said}");
    }
    let nothing = Calls { authorizations: 0, keys: 0, passwords: 0, resolves: 1 };
    assert_eq!(calls(&world).await, nothing);
    world.ctl(&["refresh", TARGET]).await.ok();
    let by_a_person = Calls { authorizations: 2, keys: 1, passwords: 1, resolves: 0 };
    assert_eq!(calls(&world).await, by_a_person);

    rotate(&world, Rotate::Db).await;
    let query = &["run", TARGET, "-u", "-d", "select 1"][..];
    for command in [query, &["url", TARGET], query] {
        let said = world.ctl(command).await;
        assert_eq!(said.code, Some(6), "{command:?}: {said:?}");
        assert!(said.out.is_empty() && said.err.contains(&hint), "{command:?}: {said:?}");
    }
    let nothing = Calls { authorizations: 0, keys: 0, passwords: 0, resolves: 0 };
    assert_eq!(calls(&world).await, nothing);
    world.ctl(&["refresh", TARGET]).await.ok();
    assert_ne!(world.ctl(&["url", TARGET]).await.ok(), old);
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    world.finish().await;
}

#[tokio::test]
async fn a_refresh_of_key_and_password_cuts_none_of_three_queries_on_several_links() {
    let world = World::new().await;
    let session = up(&world).await;
    let mut queries = Vec::new();
    for open in 1..=3 {
        let mut psql = world.psql_command(&session, "require", UNTIL_TOLD).await;
        queries.push(psql.stdout(Stdio::piped()).spawn().unwrap());
        world
            .until("it runs", || async { world.status(TARGET).await.connections.open == open })
            .await;
    }
    assert!(world.sandbox.ssh_connections() >= 2, "{}", world.sandbox.ssh_connections());
    for what in [Rotate::Ssh, Rotate::Db] {
        rotate(&world, what).await;
    }
    world.sandbox.clear_requests();
    world.ctl(&["refresh", TARGET]).await.ok();
    let both = Calls { authorizations: 2, keys: 1, passwords: 1, resolves: 0 };
    assert_eq!(calls(&world).await, both);
    let fresh = world.psql(&session, "select 1");
    assert_eq!(fresh.await.ok(), "1");
    world
        .until("the three go on, alone", || async {
            world.status(TARGET).await.connections.open == 3
        })
        .await;
    world.go_on().await;
    for query in queries {
        let output = query.wait_with_output().await.unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("whole"));
    }
    world.finish().await;
}

/// Anything that may happen to a session, by a number.
async fn strike(world: &World, n: u8) {
    let fault = match n {
        0 => Fault::Cut,
        1 => Fault::Sshd { power: Power::Restart },
        2 => Fault::Sshd { power: Power::Stop },
        3 => Fault::Sshd { power: Power::Start },
        4 => Fault::Rotate { what: Rotate::Ssh, addon: None },
        5 => Fault::ResetUsers { addon: None },
        6 => Fault::Status { code: 503, times: 3, path: None, retry_after: None },
        7 => Fault::Status { code: 403, times: 2, path: None, retry_after: None },
        8 => Fault::Resume,
        9 => return drop(world.ctl(&["reconnect", TARGET, "--timeout", "2s"]).await),
        _ => return drop(world.ctl(&["url", TARGET]).await),
    };
    world.sandbox.fault(fault).await.unwrap();
}

#[tokio::test]
async fn whatever_happens_the_port_is_there_and_it_is_said_why_nothing_comes_through() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random::<u64>);
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let world = World::new().await;
    let session = up(&world).await;
    for _ in 0..40 {
        let n = random.random_range(0..11);
        strike(&world, n).await;
        let endpoint = ("127.0.0.1", session.endpoint.port);
        assert!(
            std::net::TcpStream::connect(endpoint).is_ok(),
            "SEED={seed}, after {n}: the port is closed"
        );
        let now = world.status(TARGET).await;
        let same = (&now.endpoint, &now.addon) == (&session.endpoint, &session.addon);
        assert!(same, "SEED={seed}, after {n}: {now:?}");
        // One that is up may have a reason too: Postgres behind it cannot be reached.
        let explained = now.reason.is_some() || now.state == SessionState::Up;
        assert!(explained, "SEED={seed}, after {n}: {now:?}");
    }
    for well in [3, 8] {
        strike(&world, well).await;
    }
    world.ctl(&["refresh", TARGET]).await.ok();
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    world.finish().await;
}

#[tokio::test]
async fn a_setting_that_is_neither_word_is_said() {
    let mut world = World::new().await;
    world.set("BOREALIS_RENEW", "maybe");
    let said = run(world.ctl_command(&["ls"])).await.fails(2);
    assert!(said.contains("BOREALIS_RENEW") && said.contains("maybe"), "{said}");
}
