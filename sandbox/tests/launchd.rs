//! The daemon as an agent of launchd, installed and looked after with `borealisctl`. launchd itself
//! is played by `support/launchctl`; the client, the daemon and the property list are the real ones.

// A Mac has the real one, which is not for tests to change.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails should fail the test"
)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use borealis_proto::{DaemonInfo, Session, SessionState};
use serde_json::Value;
use support::{PATIENCE, Said, World, program, run};
use tokio::process::Command;
use tokio::time::Instant;

const LIST: &str = "Library/LaunchAgents/com.borealis-data.borealisd.plist";

const LOOK: Duration = Duration::from_millis(20);

/// A user at a Mac.
struct Mac {
    world: World,
    home: tempfile::TempDir,
    /// Where the programs are.
    bin: PathBuf,
}

impl Mac {
    async fn new() -> Self {
        let world = World::new().await;
        let home = tempfile::Builder::new().prefix("mac").tempdir().unwrap();
        let tools = home.path().join("system");
        std::fs::create_dir(&tools).unwrap();
        std::fs::copy(source("launchctl"), tools.join("launchctl")).unwrap();
        std::fs::write(home.path().join(".netrc"), netrc(&world)).unwrap();
        // All that means something in XML or to a shell.
        let bin = home.path().join(r#"my tools & <mine> "100%" $HOME 'ü'"#);
        let mac = Self { world, home, bin };
        mac.lay_programs(&mac.bin);
        mac
    }

    fn lay_programs(&self, bin: &Path) {
        std::fs::create_dir(bin).unwrap();
        let ctl = program("examples/borealisctl_on_launchd");
        std::fs::copy(ctl, bin.join("borealisctl")).unwrap();
        std::fs::copy(program("borealisd"), bin.join("borealisd")).unwrap();
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let tools = self.home.path().join("system");
        let path = std::env::var_os("PATH").unwrap();
        let path = std::iter::once(tools).chain(std::env::split_paths(&path));
        let mut command = self.world.command(program);
        for name in ["BOREALIS_SOCKET", "BOREALIS_STATE_DIR", "HEROKU_API_KEY"] {
            command.env_remove(name);
        }
        command.env("PATH", std::env::join_paths(path).unwrap()).env("HOME", self.home.path());
        command
    }

    async fn ctl(&self, args: &str) -> Said {
        self.tool(self.bin.join("borealisctl"), args).await
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, args: &str) -> T {
        serde_json::from_str(&self.ctl(&format!("{args} --json")).await.ok()).unwrap()
    }

    async fn tool(&self, name: impl AsRef<std::ffi::OsStr>, args: &str) -> Said {
        let mut command = self.command(name);
        command.args(args.split(' '));
        run(command).await
    }

    async fn launchctl(&self, args: &str) -> Said {
        self.tool("launchctl", args).await
    }

    /// At a port of its own: the usual one of an add-on is the same in all tests, and while our
    /// daemon is down another's would take it.
    async fn up(&self) -> Session {
        let port = self.world.sandbox.endpoints()[0];
        self.json(&format!("up sushi --port {port}")).await
    }

    async fn pid(&self) -> u32 {
        self.json::<DaemonInfo>("daemon status").await.pid
    }

    async fn service(&self) -> Value {
        self.json("service status").await
    }

    async fn answers(&self) {
        let ask = "psql sushi -- -X -A -t -c select(1)";
        assert_eq!(self.ctl(ask).await.ok(), "1");
    }

    /// What launchctl was asked to change since the last call of this, without the arguments.
    fn changes(&self) -> Vec<String> {
        let path = self.home.path().join("system/launchd/calls");
        let calls = std::fs::read_to_string(&path).unwrap_or_default();
        let _none_yet = std::fs::remove_file(path);
        let verbs = calls.lines().filter_map(|call| call.split(' ').next());
        verbs.filter(|verb| !verb.starts_with("print")).map(str::to_owned).collect()
    }

    /// Waits for the process that launchd runs, or for its end.
    async fn until_pid(&self, check: impl Fn(Option<u64>) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !check(self.service().await["pid"].as_u64()) {
            assert!(Instant::now() < deadline, "never: {}", self.service().await);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// An agent that is booted out is there until its process has gone.
    async fn until_forgotten(&self, target: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.launchctl(&format!("print {target}")).await.code != Some(113) {
            assert!(Instant::now() < deadline, "launchd never forgets {target}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// launchd's answer to `bootstrap` does not wait for that.
    async fn until_it_listens(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.ctl("daemon status").await.code != Some(0) {
            assert!(Instant::now() < deadline, "it never listens");
            tokio::time::sleep(LOOK).await;
        }
    }

    fn list(&self) -> PathBuf {
        self.home.path().join(LIST)
    }

    /// `gui/501/com.borealis-data.borealisd`
    async fn target(&self) -> String {
        let uid = self.tool("id", "-u").await.ok();
        format!("gui/{uid}/com.borealis-data.borealisd")
    }
}

/// A test that failed leaves no daemon behind.
impl Drop for Mac {
    fn drop(&mut self) {
        let lock = self.home.path().join(".local/state/borealis/borealisd.lock");
        let Ok(pid) = std::fs::read_to_string(lock) else { return };
        let pid = pid.trim();
        // Not its `exe`, which it shows to root alone.
        let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
        if words.is_ok_and(|words| Path::new(&words).starts_with(self.home.path())) {
            // Not -KILL: launchd would start it again.
            let _ = std::process::Command::new("kill").args(["-TERM", pid]).status();
        }
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(name)
}

fn netrc(world: &World) -> String {
    format!("machine 127.0.0.1 login me password {}\n", world.var("HEROKU_API_KEY"))
}

#[tokio::test]
async fn an_agent_from_install_to_uninstall() {
    let mac = Mac::new().await;
    assert!(mac.ctl("service status").await.ok().contains("not installed with launchd"));
    assert!(mac.changes().is_empty());

    let installed = mac.ctl("service install").await.ok();
    for words in ["wrote", LIST, "launchctl enable", "launchctl bootstrap"] {
        assert!(installed.contains(words), "{installed}");
    }
    assert_eq!(mac.changes(), ["enable", "bootstrap"]);
    let service = mac.service().await;
    assert_eq!((&service["installed"], &service["enabled"]), (&true.into(), &true.into()));
    assert_eq!(service["program"].as_str(), mac.bin.join("borealisd").to_str());
    assert_eq!(service["files"][0].as_str(), mac.list().to_str());
    mac.until_it_listens().await;
    let pid = mac.pid().await;
    assert_eq!(service["pid"], pid);
    let pid_of = u64::from(pid);

    let again = mac.ctl("service install").await.ok();
    assert!(again.contains("kept") && !again.contains("wrote"), "{again}");
    assert_eq!(mac.changes(), ["enable"]);
    assert_eq!(mac.pid().await, pid);
    let session = mac.up().await;
    assert_eq!(session.state, SessionState::Up);
    mac.answers().await;

    // A crash.
    mac.tool("kill", &format!("-KILL {pid}")).await.ok();
    mac.until_pid(|now| now.is_some_and(|now| now != pid_of)).await;
    mac.ctl("wait sushi").await.ok();
    assert_eq!(mac.json::<Vec<Session>>("ls").await[0].endpoint, session.endpoint);
    assert!(mac.changes().is_empty(), "launchd did that alone");

    by_launchd_alone(&mac).await;
    mac.ctl("down --all").await.ok();
    assert_eq!(mac.changes(), Vec::<String>::new());
    assert!(mac.ctl("service uninstall").await.ok().contains("removed"));
    assert_eq!(mac.changes(), ["bootout"]);
    nothing_left(&mac).await;
    assert!(mac.ctl("service uninstall").await.ok().contains("not installed"));
    assert!(mac.changes().is_empty());
}

/// Restart, stop, and the next command starts it.
async fn by_launchd_alone(mac: &Mac) {
    let pid = mac.pid().await;
    mac.ctl("daemon restart").await.ok();
    assert_eq!(mac.changes(), ["kill", "kickstart"]);
    assert_ne!(mac.pid().await, pid);
    mac.answers().await;

    mac.ctl("daemon stop").await.ok();
    assert_eq!(mac.changes(), ["kill"]);
    mac.ctl("daemon status").await.fails(3);
    let shown = mac.launchctl(&format!("print {}", mac.target().await)).await.ok();
    // Which is why launchd leaves it down.
    assert!(shown.contains("last exit code = 0") && shown.contains("not running"), "{shown}");
    assert!(mac.ctl("service status").await.ok().contains("starts at login, stopped"));
    mac.ctl("daemon stop").await.ok();
    assert!(mac.changes().is_empty());
    assert!(mac.ctl("daemon logs").await.ok().contains("borealisd is gone"), "of one that is down");

    mac.ctl("daemon start").await.ok();
    assert_eq!(mac.changes(), ["kickstart"]);
    assert_eq!(mac.service().await["pid"], mac.pid().await);
    mac.answers().await;
    assert!(mac.ctl("daemon logs").await.ok().contains("listening"));
}

async fn nothing_left(mac: &Mac) {
    assert!(!mac.list().exists());
    mac.launchctl(&format!("print {}", mac.target().await)).await.fails(113);
    assert_eq!(mac.service().await["installed"], false);
    mac.ctl("daemon status").await.fails(3);
}

#[tokio::test]
async fn programs_that_moved_are_found_by_the_next_install() {
    let mut mac = Mac::new().await;
    mac.ctl("service install").await.ok();
    let session = mac.up().await;
    let before = mac.pid().await;

    let elsewhere = mac.home.path().join("elsewhere");
    mac.lay_programs(&elsewhere);
    mac.bin = elsewhere;
    mac.changes();
    assert!(mac.ctl("service install").await.ok().contains("wrote"));
    assert_eq!(mac.changes(), ["bootout", "enable", "bootstrap"]);
    let service = mac.service().await;
    assert_eq!(service["program"].as_str(), mac.bin.join("borealisd").to_str());
    mac.ctl("wait sushi").await.ok();
    assert_ne!(mac.pid().await, before);
    assert_eq!(mac.json::<Vec<Session>>("ls").await[0].endpoint, session.endpoint);
    mac.ctl("service uninstall").await.ok();
    nothing_left(&mac).await;
}

#[tokio::test]
async fn a_daemon_that_was_started_by_hand_gives_way_with_its_sessions() {
    let mac = Mac::new().await;
    let session = mac.up().await;
    let by_hand = mac.pid().await;
    let installed = mac.ctl("service install").await.ok();
    assert!(installed.contains(&format!("ran by hand, pid {by_hand}")), "{installed}");
    mac.ctl("wait sushi").await.ok();
    assert_eq!(mac.service().await["pid"], mac.pid().await);
    assert_eq!(mac.json::<Vec<Session>>("ls").await[0].endpoint, session.endpoint);

    // Uninstalled, a command starts one by hand again, and the session is there.
    mac.ctl("service uninstall").await.ok();
    mac.ctl("wait sushi").await.ok();
    assert_eq!(mac.json::<Vec<Session>>("ls").await[0].id, session.id);
    mac.ctl("down --all").await.ok();
    mac.ctl("daemon stop").await.ok();
}

#[tokio::test]
async fn what_others_told_launchd_is_seen_and_mended() {
    let mac = Mac::new().await;
    mac.ctl("service install").await.ok();
    let target = mac.target().await;
    mac.launchctl(&format!("disable {target}")).await.ok();
    assert!(mac.ctl("service status").await.ok().contains("does not start at login"));
    mac.ctl("service install").await.ok();
    assert_eq!(mac.service().await["enabled"], true);

    // Booted out by hand, and wanted by three commands at once: one of them is the first.
    mac.launchctl(&format!("bootout {target}")).await.fails(36);
    mac.until_forgotten(&target).await;
    let said = tokio::join!(mac.ctl("daemon start"), mac.ctl("ls"), mac.ctl("daemon start"));
    assert_eq!([said.0.code, said.1.code, said.2.code], [Some(0); 3]);
    assert_eq!(mac.service().await["pid"], mac.pid().await);
    mac.ctl("service uninstall").await.ok();
    nothing_left(&mac).await;
}

#[tokio::test]
async fn without_a_login_at_the_screen_it_says_so() {
    let mac = Mac::new().await;
    let launchd = mac.home.path().join("system/launchd");
    std::fs::create_dir(&launchd).unwrap();
    std::fs::write(launchd.join("nobody-at-the-screen"), "").unwrap();
    let error = mac.ctl("service install").await.fails(1);
    assert!(error.contains("125") && error.contains("log in there first"), "{error}");
}

/// A group that may write is what launchd takes offence at, and what some umasks give away.
#[tokio::test]
async fn whatever_the_umask_launchd_trusts_the_list() {
    let mac = Mac::new().await;
    let mut install = mac.command("sh");
    install.arg("-c").arg("umask 002 && exec \"$0\" service install");
    install.arg(mac.bin.join("borealisctl"));
    run(install).await.ok();
    let mode = std::fs::metadata(mac.list()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    mac.ctl("service uninstall").await.ok();
}
