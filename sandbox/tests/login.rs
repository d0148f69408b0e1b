//! Where the Heroku login comes from: the credential store, a login that changes, a second factor.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails should fail the test"
)]

mod support;

use std::path::PathBuf;
use std::process::Stdio;

use borealis_proto::{ErrorCode, Session, SessionState};
use borealis_sandbox::{Fault, Options};
use support::terminal::{on_a_terminal, reading};
use support::{World, run};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// Whose login it is.
const ACCOUNT: &str = "me@example.com";

/// A Secret Service of its own: GNOME Keyring on a session bus, unlocked.
struct Keyring {
    /// Ends, and everything on the bus with it, when its input does.
    _bus: Child,
    address: String,
}

impl Keyring {
    async fn new(world: &World) -> Self {
        let script = "printf secret | gnome-keyring-daemon --unlock --components=secrets >&2; \
                      echo \"$DBUS_SESSION_BUS_ADDRESS\"; exec cat";
        let mut command = world.command("dbus-run-session");
        command.args(["--", "sh", "-c", script]);
        private(&mut command, world);
        // Killed, it would leave the bus and the keyring behind.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(false);
        let mut bus = command.spawn().expect("dbus-run-session is installed");
        let mut lines = BufReader::new(bus.stdout.take().unwrap()).lines();
        let address = lines.next_line().await.unwrap().expect("gnome-keyring is installed");
        Self { _bus: bus, address }
    }

    /// As the Heroku CLI puts it there.
    async fn store(&self, world: &World, token: &str) {
        let mut command = world.command("secret-tool");
        command.args(["store", "--label=Heroku", "service", "heroku-cli", "account", ACCOUNT]);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).stdin(Stdio::piped());
        let mut child = command.spawn().expect("secret-tool is installed");
        child.stdin.take().unwrap().write_all(token.as_bytes()).await.unwrap();
        assert!(child.wait().await.unwrap().success());
    }

    async fn lock(&self, world: &World) {
        let mut command = world.command("dbus-send");
        let service = "/org/freedesktop/secrets";
        command.args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", service]);
        command.arg("org.freedesktop.Secret.Service.Lock");
        command.arg(format!("array:objpath:{service}/collection/login"));
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        run(command).await.ok();
    }
}

/// The keyring's files and socket are the world's own.
fn private(command: &mut Command, world: &World) {
    let dir = world.sandbox.dir();
    command.env("XDG_DATA_HOME", dir.join("data")).env("XDG_RUNTIME_DIR", dir.join("runtime"));
}

fn login_file(world: &World) -> PathBuf {
    let dir = world.sandbox.dir().join("heroku-data");
    std::fs::create_dir_all(&dir).unwrap();
    dir.join("login.json")
}

/// The user has logged in with today's Heroku CLI: no key in the environment, none in netrc.
async fn with_keyring(world: &mut World) -> Keyring {
    let runtime = world.sandbox.dir().join("runtime");
    std::fs::create_dir(&runtime).unwrap();
    let private: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&runtime, private).unwrap();
    let keyring = Keyring::new(world).await;
    let file = login_file(world);
    std::fs::write(&file, format!("{{\"account\":\"{ACCOUNT}\"}}")).unwrap();
    world.unset("HEROKU_API_KEY");
    world.set("HEROKU_DATA_DIR", file.parent().unwrap().to_str().unwrap());
    world.set("DBUS_SESSION_BUS_ADDRESS", &keyring.address);
    keyring
}

#[tokio::test]
async fn the_login_is_found_in_the_secret_service() {
    let mut world = World::new().await;
    let keyring = with_keyring(&mut world).await;
    keyring.store(&world, &world.sandbox.api_key()).await;
    let session = world.up(&["sushi/DATABASE"]).await;
    assert_eq!(session.state, SessionState::Up);
    world.finish().await;
}

#[tokio::test]
async fn a_locked_keyring_is_told_and_netrc_still_serves() {
    let mut world = World::new().await;
    let keyring = with_keyring(&mut world).await;
    keyring.store(&world, &world.sandbox.api_key()).await;
    keyring.lock(&world).await;
    let error = world.ctl(&["up", "sushi/DATABASE"]).await.fails(5);
    assert!(error.contains("Secret Service") && error.contains("locked"), "{error}");
    let netrc = format!("machine 127.0.0.1 login me password {}\n", world.sandbox.api_key());
    std::fs::write(world.sandbox.dir().join(".netrc"), netrc).unwrap();
    assert_eq!(world.up(&["sushi/DATABASE"]).await.state, SessionState::Up);
    let told = world.ctl(&["doctor"]).await.ok();
    assert!(told.contains("login of netrc is used, because the Heroku login cannot"), "{told}");
    world.finish().await;
}

/// `heroku login` tells nobody; the session that waits for it comes up by itself.
#[tokio::test]
async fn a_session_that_waits_for_a_login_tries_again_when_there_is_another() {
    let options = Options { api_keys: vec!["first".into(), "second".into()], ..Options::default() };
    let mut world = World::with(options).await;
    world.unset("HEROKU_API_KEY");
    let netrc = world.sandbox.dir().join(".netrc");
    let log_in = |token: &str| {
        std::fs::write(&netrc, format!("machine 127.0.0.1 login me password {token}\n")).unwrap();
    };
    log_in("first");
    world.up(&["sushi/DATABASE"]).await;
    let refuse =
        Fault::Status { code: 401, times: 1, path: Some("/oauth".into()), retry_after: None };
    world.ctl(&["down", "--all"]).await.ok();
    world.sandbox.fault(refuse).await.unwrap();
    let session = world.ctl(&["up", "sushi/DATABASE", "--json"]).await;
    session.fails(5);
    world.sandbox.clear_requests();
    log_in("second");
    world.until_state("sushi/DATABASE", SessionState::Up).await;
    assert!(world.sandbox.count("POST", "/oauth/authorizations") <= 2, "one each, at most");
    assert!(world.sandbox.count("POST", "/personal-") <= 2);
    world.finish().await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_handed_on() {
    let world = World::new().await;
    world.sandbox.fault(Fault::TwoFactor { code: "123456".into() }).await.unwrap();
    let error = world.ctl(&["up", "sushi/DATABASE"]).await.fails(5);
    assert!(error.contains("second factor") && error.contains("at a terminal"), "{error}");
    let ls: Vec<Session> = world.ls().await;
    assert_eq!(ls[0].reason.as_ref().unwrap().code, ErrorCode::TwoFactorRequired);

    for (code, state) in [("654321", SessionState::Blocked), ("123456", SessionState::Up)] {
        let api = borealis_client::api::Api::new(
            world.var("BOREALIS_SOCKET").as_ref(),
            Some(world.var("HEROKU_API_KEY")),
        )
        .unwrap();
        api.answer_second_factor(code).unwrap();
        let wish = serde_json::json!({"target": "sushi/DATABASE", "wait_ms": 10_000});
        let session = api.open(&serde_json::from_value(wish).unwrap()).await.unwrap();
        assert_eq!(session.state, state, "{:?}", session.reason);
    }
    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.finish().await;
}

/// Heroku wants a code that the daemon has not been given yet.
async fn ask_for(world: &World, code: &str) {
    world.sandbox.fault(Fault::TwoFactor { code: code.into() }).await.unwrap();
}

/// Types the code at the terminal; what was printed after it.
async fn typed(world: &World, line: &str, code: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let terminal = on_a_terminal(world.ctl_command(&words));
    let typed = code.to_owned();
    let (terminal, asked) = reading(terminal, move |terminal| {
        let asked = terminal.exp_string("Heroku asks for your two-factor code:");
        terminal.send_line(&typed).unwrap();
        asked
    })
    .await;
    assert!(asked.is_ok(), "{line}: {asked:?}");
    let (terminal, rest) = reading(terminal, |terminal| terminal.exp_eof().unwrap()).await;
    let status = format!("{:?}", terminal.process().wait().unwrap());
    assert!(status.ends_with(", 0)"), "{line}: {status} {rest}");
    rest
}

#[tokio::test]
async fn a_second_factor_is_asked_for_by_what_is_about_an_add_on_and_what_renews() {
    let world = World::new().await;
    world.up(&["sushi/DATABASE"]).await;
    let lines = [
        ("info sushi/DATABASE", "Single Tenant"),
        ("extensions install sushi hstore", "hstore"),
        ("users sushi", "Heroku App User"),
        ("restore capabilities sushi", "restore"),
        ("upgrade info sushi", "PostgreSQL"),
        ("refresh sushi/DATABASE", "sushi/DATABASE  read-only  up"),
    ];
    for (n, (line, printed)) in lines.into_iter().enumerate() {
        let code = format!("10000{n}");
        ask_for(&world, &code).await;
        let error = world.ctl(&line.split(' ').collect::<Vec<_>>()).await.fails(5);
        assert!(error.contains("at a terminal"), "{line}: {error}");
        let rest = typed(&world, line, &code).await;
        assert!(rest.contains(printed), "{line}: {rest}");
    }
    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.finish().await;
}

/// Blocked, it answers at once; with the code it has to try again first.
#[tokio::test]
async fn a_second_factor_is_asked_for_by_what_uses_a_session_that_waits_for_it() {
    let world = World::new().await;
    let lines = ["wait sushi", "reconnect sushi", "url sushi", "export pgpass sushi", "ps sushi"];
    for (n, line) in lines.into_iter().enumerate() {
        let code = format!("20000{n}");
        ask_for(&world, &code).await;
        world.ctl(&["up", "sushi/DATABASE"]).await.fails(5);
        typed(&world, line, &code).await;
        assert_eq!(world.status("sushi").await.state, SessionState::Up, "{line}");
        world.ctl(&["down", "--all"]).await.ok();
    }
    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.finish().await;
}
