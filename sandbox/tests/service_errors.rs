//! What the service answers, and what that means for a session and for whoever typed the command.

mod support;

use std::net::TcpListener;

use borealis_proto::{ErrorCode, Session, SessionState};
use borealis_sandbox::Fault;
use support::World;

const TARGET: &str = "sushi/DATABASE";

fn status(code: u16, times: u32, retry_after: Option<u64>) -> Fault {
    Fault::Status { code, times, path: None, retry_after }
}

#[tokio::test]
async fn each_status_has_its_state_reason_and_exit_code() {
    // Status, its Retry-After, exit code of `up`, state, reason, seconds until the next try.
    let table = [
        (401, None, 5, SessionState::Blocked, ErrorCode::LoginRequired, None),
        (403, None, 6, SessionState::Blocked, ErrorCode::AccessRevoked, Some(14 * 60..=15 * 60)),
        (404, None, 4, SessionState::Blocked, ErrorCode::TargetNotFound, Some(14 * 60..=15 * 60)),
        (422, None, 6, SessionState::Opening, ErrorCode::Provisioning, Some(25..=30)),
        (423, None, 6, SessionState::Opening, ErrorCode::Upgrading, Some(145..=150)),
        (429, Some(77), 6, SessionState::Opening, ErrorCode::RateLimited, Some(70..=77)),
    ];
    let world = World::new().await;
    for (code, retry_after, exit, state, reason, next) in table {
        world.sandbox.fault(status(code, 1000, retry_after)).await.unwrap();
        let said = world.ctl(&["up", TARGET, "--json"]).await;
        assert_eq!(said.code, Some(exit), "{code}: {}{}", said.out, said.err);
        assert!(!said.err.trim().is_empty(), "{code}: something is said");

        let session = world.status(TARGET).await;
        let why = session.reason.unwrap();
        assert_eq!((session.state, why.code), (state, reason), "{code}");
        if matches!(code, 401 | 403) {
            assert!(why.hint.is_some(), "{code}: {why:?}");
        }
        let due =
            session.next_retry_at.map(|due| due.duration_since(jiff::Timestamp::now()).as_secs());
        match (&next, due) {
            (None, None) => {}
            (Some(range), Some(due)) => assert!(range.contains(&due), "{code}: {due} s"),
            _ => panic!("{code}: next try in {due:?} s"),
        }

        // The service is well again, and somebody asks.
        world.sandbox.fault(Fault::Resume).await.unwrap();
        world.up(&[TARGET]).await;
        world.ctl(&["down", TARGET, "--drain", "0"]).await.ok();
    }
    world.finish().await;
}

#[tokio::test]
async fn what_passes_by_itself_is_waited_for() {
    let world = World::new().await;
    world.sandbox.fault(status(500, 2, None)).await.unwrap();
    let session = world.up(&[TARGET]).await;
    assert_eq!(session.state, SessionState::Up);
    world.ctl(&["down", TARGET, "--drain", "0"]).await.ok();

    world.sandbox.fault(status(500, 1000, None)).await.unwrap();
    let said = world.ctl(&["up", TARGET, "--timeout", "2s"]).await.fails(8);
    assert!(said.contains("500") || said.contains("unavailable"), "{said}");
    assert_eq!(world.status(TARGET).await.reason.unwrap().code, ErrorCode::ServiceUnavailable);
    world.finish().await;
}

#[tokio::test]
async fn two_404s_are_not_believed() {
    let world = World::new().await;
    world.sandbox.fault(status(404, 2, None)).await.unwrap();
    assert_eq!(world.up(&[TARGET]).await.state, SessionState::Up);
    world.finish().await;
}

#[tokio::test]
async fn the_authorization_is_deleted_when_the_next_step_fails() {
    let world = World::new().await;
    world.sandbox.fault(status(403, 1000, None)).await.unwrap();
    world.ctl(&["up", TARGET]).await.fails(6);
    assert!(world.sandbox.count("POST", "/oauth/authorizations") >= 2);
    world
        .until("all are deleted", || async { world.sandbox.outstanding_authorizations() == 0 })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn the_authorization_is_deleted_when_the_client_goes_away() {
    let world = World::new().await;
    let hang = Fault::Hang { times: 2, path: None };
    world.sandbox.fault(hang).await.unwrap();
    let mut up = world.ctl_command(&["up", TARGET]).spawn().unwrap();
    world
        .until("both are asked for", || async { world.sandbox.outstanding_authorizations() == 2 })
        .await;
    support::signal(&mut up, "KILL").await;
    world.ctl(&["down", TARGET, "--drain", "0"]).await.ok();
    // The service gives up on us after 30 s, or we on it.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(45);
    while world.sandbox.outstanding_authorizations() > 0 {
        assert!(tokio::time::Instant::now() < deadline, "an authorization stays behind");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_target_that_is_none() {
    let world = World::new().await;
    for (target, words) in [
        ("sushi/NOTHING", "NOTHING"),
        ("nobody", "nobody"),
        ("empty", "empty"),
        ("sushi/REDIS", "Borealis Isolated Postgres"),
        ("ramen", "ramen/ARCHIVE"),
    ] {
        let said = world.ctl(&["up", target]).await.fails(4);
        assert!(said.contains(words), "{target}: {said}");
    }
    world.ctl(&["up", "a b/c"]).await.fails(2);
    assert!(world.ls().await.is_empty());
    assert_eq!(world.sandbox.count("POST", "/oauth/authorizations"), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_taken_port_is_said_before_any_credential_is_asked_for() {
    let world = World::new().await;
    let port = world.sandbox.endpoints()[0];
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let port = port.to_string();
    let said = world.ctl(&["up", TARGET, "--port", &port]).await.fails(7);
    assert!(said.contains(&port), "{said}");
    assert_eq!(world.sandbox.count("POST", "/oauth/authorizations"), 0);
    assert!(world.ls().await.is_empty());

    drop(taken);
    let session = world.up(&[TARGET, "--port", &port]).await;
    assert_eq!(session.endpoint.port.to_string(), port);
    world.finish().await;
}

#[tokio::test]
async fn no_login_is_said_with_what_to_do() {
    let mut world = World::new().await;
    let key = world.var("HEROKU_API_KEY").to_owned();
    world.unset("HEROKU_API_KEY");
    let said = world.ctl(&["up", TARGET]).await.fails(5);
    assert!(said.contains("heroku login"), "{said}");
    assert!(world.ls().await.is_empty());

    // The client hands its key to a daemon that has none.
    world.set("HEROKU_API_KEY", &key);
    world.up(&[TARGET]).await;
    world.finish().await;
}

#[tokio::test]
async fn the_login_of_netrc_is_found() {
    let mut world = World::new().await;
    let host = world.sandbox.heroku_url();
    let host = host.trim_start_matches("http://").trim_end_matches('/');
    let netrc = format!(
        "machine other.test\n  login a\n  password wrong\nmachine {host}\n  login a@b.test\n  \
         password {}\n",
        world.sandbox.api_key()
    );
    std::fs::write(world.sandbox.dir().join(".netrc"), netrc).unwrap();
    world.unset("HEROKU_API_KEY");
    world.up(&[TARGET]).await;
    world.finish().await;
}

#[tokio::test]
async fn a_login_that_is_not_accepted_any_more_blocks() {
    let mut world = World::new().await;
    world.set("HEROKU_API_KEY", "HRKU-not-a-login");
    let said = world.ctl(&["up", TARGET]).await.fails(5);
    assert!(said.contains("heroku login"), "{said}");
    world.finish().await;
}

#[tokio::test]
async fn a_daemon_that_cannot_be_reached_is_said_with_socket_and_log() {
    let mut world = World::new().await;
    world.set("BOREALISD", "/bin/false");
    let said = world.ctl(&["ls"]).await.fails(3);
    assert!(said.contains(world.var("BOREALIS_SOCKET")), "{said}");
    let script = world.sandbox.dir().join("dies");
    std::fs::write(&script, "#!/bin/sh\necho the cellar is flooded >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    world.set("BOREALISD", script.to_str().unwrap());
    let said = world.ctl(&["ls"]).await.fails(3);
    assert!(said.contains("the cellar is flooded"), "{said}");
}

#[tokio::test]
async fn a_daemon_that_serves_elsewhere_is_said_to() {
    let mut world = World::new().await;
    world.ctl(&["daemon", "start"]).await.ok();
    let (here, elsewhere) = (world.var("BOREALIS_SOCKET").to_owned(), "elsewhere/borealisd.sock");
    let elsewhere = world.sandbox.dir().join(elsewhere);
    world.set("BOREALIS_SOCKET", elsewhere.to_str().unwrap());
    let said = world.ctl(&["ls"]).await.fails(3);
    assert!(said.contains("another borealisd of yours serves"), "{said}");
    assert!(said.contains("set BOREALIS_SOCKET"), "{said}");
    world.set("BOREALIS_SOCKET", &here);
    world.finish().await;
}

#[tokio::test]
async fn waiting_ends_at_once_when_nothing_more_can_happen() {
    let world = World::new().await;
    world.sandbox.fault(status(423, 1000, None)).await.unwrap();
    let asked = tokio::time::Instant::now();
    let said = world.ctl(&["up", TARGET, "--timeout", "60s", "--json"]).await;
    assert_eq!(said.code, Some(6));
    assert!(asked.elapsed().as_secs() < 20, "{:?}", asked.elapsed());
    let session: Session = serde_json::from_str(&said.out).unwrap();
    assert_eq!(session.reason.unwrap().code, ErrorCode::Upgrading);
    world.finish().await;
}

#[tokio::test]
async fn reconnect_unblocks_what_is_well_again() {
    let world = World::new().await;
    for code in [401, 403, 422, 423] {
        world.sandbox.fault(status(code, 1000, None)).await.unwrap();
        assert_ne!(world.ctl(&["up", TARGET]).await.code, Some(0), "{code}");
        world.sandbox.fault(Fault::Resume).await.unwrap();
        world.ctl(&["reconnect", TARGET]).await.ok();
        assert_eq!(world.status(TARGET).await.state, SessionState::Up, "{code}");
        world.ctl(&["down", TARGET, "--drain", "0"]).await.ok();
    }
    world.finish().await;
}

#[tokio::test]
async fn stopping_the_daemon_leaves_no_authorization_behind() {
    let world = World::new().await;
    world.sandbox.fault(Fault::Hang { times: 2, path: Some("personal".into()) }).await.unwrap();
    world.ctl(&["up", TARGET, "--no-wait"]).await;
    world
        .until("both are asked for", || async { world.sandbox.count("POST", "/personal-") == 2 })
        .await;
    world.ctl(&["daemon", "stop"]).await.ok();
    world
        .until("both are deleted", || async { world.sandbox.outstanding_authorizations() == 0 })
        .await;
    world.stop().await;
}
