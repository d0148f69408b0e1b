//! The built programs on a sandbox of their own, used as a person would.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "each test file uses its part; a helper that fails should fail the test, and say why"
)]

#[cfg(target_os = "linux")]
pub mod alone;
pub mod clients;
#[cfg(target_os = "linux")]
pub mod machine;
pub mod terminal;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use borealis_proto::{DaemonInfo, Session};
use borealis_sandbox::{Options, Sandbox};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// Nothing that a test waits for takes longer.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// SQL that says `begun`, and `whole` once it may: see [`World::go_on`]. One that took a time would
/// be over too soon on a slow machine.
pub const UNTIL_TOLD: &str = "select 'begun'; \
    do $$ begin while not exists (select from pg_class where relname = 'go_on') loop \
    perform pg_sleep(0.05); end loop; end $$; \
    select 'whole'";

/// A sandbox, and an environment in which the built programs use it.
pub struct World {
    pub sandbox: Sandbox,
    env: Vec<(String, String)>,
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails the test unless the program ended well; its standard output, trimmed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out.trim().to_owned()
    }

    /// Fails the test unless the program ended with this code; its standard error.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self.err
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let env = sandbox.environment();
        Self { sandbox, env }
    }

    /// Sets or changes a variable for programs that are started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    pub fn unset(&mut self, name: &str) {
        self.env.retain(|(key, _)| key != name);
    }

    pub fn var(&self, name: &str) -> &str {
        &self.env.iter().find(|(key, _)| key == name).unwrap().1
    }

    pub fn state_dir(&self) -> &Path {
        Path::new(self.var("BOREALIS_STATE_DIR"))
    }

    /// A command in the sandbox's environment; of the test's own, only the PATH.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.sandbox.dir())
            .env("LC_ALL", "C.UTF-8")
            .env("PGCONNECT_TIMEOUT", "10")
            .envs(self.env.iter().cloned())
            .current_dir(self.sandbox.dir())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub fn ctl_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(program("borealisctl"));
        command.args(args);
        command
    }

    /// Runs `borealisctl` to its end.
    pub async fn ctl(&self, args: &[&str]) -> Said {
        run(self.ctl_command(args)).await
    }

    /// `borealisctl up TARGET… --json`, for one target.
    pub async fn up(&self, args: &[&str]) -> Session {
        let said = self.ctl(&[&["up", "--json"], args].concat()).await;
        serde_json::from_str(&said.ok()).unwrap()
    }

    /// The same, at a port that no other test's daemon takes while this one's is away.
    pub async fn up_reserved(&self, args: &[&str], endpoint: usize) -> Session {
        let port = self.sandbox.endpoints()[endpoint].to_string();
        self.up(&[args, &["-p", &port]].concat()).await
    }

    /// Lets what waits in [`UNTIL_TOLD`] go on, in the database of `sushi`.
    pub async fn go_on(&self) {
        self.sandbox.sql("d1", "create table go_on ()").await.unwrap();
    }

    pub async fn status(&self, target: &str) -> Session {
        let said = self.ctl(&["status", target, "--json"]).await;
        serde_json::from_str(&said.ok()).unwrap()
    }

    pub async fn ls(&self) -> Vec<Session> {
        serde_json::from_str(&self.ctl(&["ls", "--json"]).await.ok()).unwrap()
    }

    pub async fn daemon(&self) -> DaemonInfo {
        let said = self.ctl(&["daemon", "status", "--json"]).await;
        serde_json::from_str(&said.ok()).unwrap()
    }

    /// Asks Postgres through a session's endpoint with the user's own psql.
    pub async fn psql(&self, session: &Session, sql: &str) -> Said {
        self.psql_with(session, "require", sql).await
    }

    pub async fn psql_with(&self, session: &Session, sslmode: &str, sql: &str) -> Said {
        run(self.psql_command(session, sslmode, sql).await).await
    }

    pub async fn psql_command(&self, session: &Session, sslmode: &str, sql: &str) -> Command {
        let url = self.ctl(&["url", session.id.as_str()]).await.ok();
        let mut command = self.command("psql");
        command
            .args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(format!("{url}?sslmode={sslmode}"));
        command
    }

    /// Waits until `check` holds.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, check: impl Fn() -> F) {
        let deadline = Instant::now() + PATIENCE;
        while !check().await {
            assert!(Instant::now() < deadline, "never: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn until_state(&self, target: &str, state: borealis_proto::SessionState) {
        self.until(&format!("{target} is {state}"), || async {
            self.status(target).await.state == state
        })
        .await;
    }

    /// Closes everything and checks that nothing is left over.
    pub async fn finish(self) {
        self.ctl(&["down", "--all", "--drain", "0"]).await.ok();
        self.nothing_left().await;
        self.stop().await;
    }

    /// Nothing of a session is left: no task, no link, no backend, no authorization.
    pub async fn nothing_left(&self) {
        self.until("no link is left", || async { self.sandbox.ssh_connections() == 0 }).await;
        self.until("no backend is left", || async {
            self.sandbox.backends("p_").await.unwrap() == 0
                && self.sandbox.backends("app_").await.unwrap() == 0
        })
        .await;
        self.until("no authorization is left", || async {
            self.sandbox.outstanding_authorizations() == 0
        })
        .await;
        self.daemon_rests().await;
    }

    /// The daemon holds nothing of a session any more, whatever its servers still believe.
    pub async fn daemon_rests(&self) {
        self.until("only the daemon's own tasks are left", || async {
            self.daemon().await.health.tasks <= IDLE_TASKS
        })
        .await;
    }

    /// Ends the daemon, then (when the world goes) the sandbox.
    pub async fn stop(self) {
        self.ctl(&["daemon", "stop"]).await.ok();
    }
}

/// A test that failed leaves no daemon behind, and says what the daemon has said.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.state_dir().join("borealisd.log"));
            eprintln!("the daemon's log:\n{}", log.unwrap_or_else(|error| error.to_string()));
        }
        let lock = self.state_dir().join("borealisd.lock");
        let Ok(pid) = std::fs::read_to_string(lock) else { return };
        // Not its `exe`, which it shows to root alone.
        let name = std::fs::read_to_string(format!("/proc/{}/comm", pid.trim()));
        if name.is_ok_and(|name| name.trim() == "borealisd") {
            let _ = std::process::Command::new("kill").args(["-KILL", pid.trim()]).status();
        }
    }
}

/// What an idle daemon runs: the control socket's acceptor, the connection that asks, the watch
/// for sleep.
const IDLE_TASKS: usize = 3;

pub async fn run(mut command: Command) -> Said {
    let output = tokio::time::timeout(Duration::from_secs(120), command.output());
    Said::of(output.await.expect("the program ends").unwrap())
}

/// Ends a child by signal, and waits for it.
pub async fn signal(child: &mut Child, signal: &str) -> ExitStatus {
    let pid = child.id().unwrap().to_string();
    Command::new("kill").args([&format!("-{signal}"), &pid]).status().await.unwrap();
    tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap()
}

/// A program of the workspace, built before the tests are run.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join(name);
    assert!(
        path.exists(),
        "{} is not built: cargo build --workspace --bins --examples",
        path.display()
    );
    path
}
