//! The daemon as a service of a real `systemd --user`, installed and looked after with
//! `borealisctl`. Needs root, for namespaces: see `scripts/with-systemd-user`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a helper that fails should fail the test, and says so when it could not do its work"
)]

mod support;

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use borealis_proto::{DaemonInfo, Session, SessionState};
use serde_json::Value;
use support::{PATIENCE, Said, World, program};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout};

/// Who is logged in. Every system has this account.
const USER: &str = "nobody";

/// How `with-systemd-user` says that it cannot work here.
const CANNOT: i32 = 77;

/// A user who is logged in, with the programs in a directory whose name needs escaping in a unit.
struct Desk {
    home: tempfile::TempDir,
    namespace: Child,
    shell: ChildStdin,
    ended: Lines<BufReader<ChildStdout>>,
}

impl Desk {
    /// `None` where that cannot be had, after saying so. Required in CI, where root runs the tests.
    async fn new(world: &World) -> Option<Self> {
        let home = tempfile::Builder::new().prefix("borealis-home").tempdir().unwrap();
        open_to_user(home.path());
        let bin = bin(home.path());
        std::fs::create_dir(&bin).unwrap();
        for name in ["borealisctl", "borealisd"] {
            std::fs::copy(program(name), bin.join(name)).unwrap();
        }
        std::fs::set_permissions(&bin, PermissionsExt::from_mode(0o755)).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/with-systemd-user");
        let mut command = Command::new(script);
        command.arg(USER).arg(home.path()).arg("sh");
        command.env_remove("HEROKU_API_KEY");
        for name in ["HEROKU_HOST", "BOREALIS_PG_API_BASE_URL"] {
            command.env(name, world.var(name));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut namespace = command.spawn().unwrap();
        let shell = namespace.stdin.take().unwrap();
        let ended = BufReader::new(namespace.stdout.take().unwrap()).lines();
        let mut desk = Self { home, namespace, shell, ended };
        match desk.run("true").await {
            Some(said) => said.ok(),
            None => {
                let status = desk.namespace.wait().await.unwrap();
                assert_eq!(status.code(), Some(CANNOT), "systemd --user does not come up");
                assert!(std::env::var_os("BOREALIS_REQUIRE_SYSTEMD").is_none(), "it is required");
                eprintln!("NOT RUN: the tests with a real systemd cannot run here (see above)");
                return None;
            }
        };
        std::fs::write(desk.home.path().join(".netrc"), netrc(world)).unwrap();
        Some(desk)
    }

    /// Runs a line of shell; nothing if the shell is gone.
    async fn run(&mut self, line: &str) -> Option<Said> {
        let (out, err) = (self.home.path().join("out"), self.home.path().join("err"));
        let line = format!("({line}) >../out 2>../err </dev/null; echo $?\n");
        let line = format!("mkdir -p work; cd work; {line}cd ..\n");
        let _gone = self.shell.write_all(line.as_bytes()).await;
        let code = timeout(PATIENCE * 2, self.ended.next_line()).await.expect(&line).unwrap()?;
        let text = |path| std::fs::read_to_string(path).unwrap();
        Some(Said { code: code.parse().ok(), out: text(out), err: text(err) })
    }

    async fn sh(&mut self, line: &str) -> Said {
        self.run(line).await.expect("the shell is there")
    }

    async fn ctl(&mut self, args: &str) -> Said {
        let program = bin(self.home.path()).join("borealisctl");
        let quoted = program.to_str().unwrap().replace('\'', r"'\''");
        self.sh(&format!("'{quoted}' {args}")).await
    }

    async fn json<T: serde::de::DeserializeOwned>(&mut self, args: &str) -> T {
        serde_json::from_str(&self.ctl(&format!("{args} --json")).await.ok()).unwrap()
    }

    /// At a port of its own: the usual one of an add-on is the same in all tests, and while our
    /// daemon is down another's would take it.
    async fn up(&mut self, world: &World) -> Session {
        self.json(&format!("up sushi --port {}", world.sandbox.endpoints()[0])).await
    }

    async fn pid(&mut self) -> u32 {
        self.json::<DaemonInfo>("daemon status").await.pid
    }

    /// Waits until `systemctl show` prints this value of a property.
    async fn until(&mut self, unit: &str, property: &str, value: &str) {
        let deadline = Instant::now() + PATIENCE;
        let show = format!("systemctl --user show --value --property={property} {unit}");
        loop {
            let now = self.sh(&show).await.ok();
            if now == value {
                return;
            }
            assert!(Instant::now() < deadline, "{property} of {unit} is {now}, never {value}");
        }
    }

    async fn answers(&mut self) {
        let ask =
            "psql sushi -- -X -A -t -c 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'";
        assert_eq!(self.ctl(ask).await.ok(), "t");
    }

    /// Logs out: the manager and all that it runs end.
    async fn leave(mut self) {
        drop(self.shell);
        let status = timeout(PATIENCE, self.namespace.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Blanks, specifiers, variables: all that means something to systemd, and that it still takes.
fn bin(home: &Path) -> PathBuf {
    home.join("my tools 100% $HOME; ü")
}

fn units(home: &Path) -> PathBuf {
    home.join(".config/systemd/user")
}

fn netrc(world: &World) -> String {
    format!("machine 127.0.0.1 login me password {}\n", world.var("HEROKU_API_KEY"))
}

fn open_to_user(home: &Path) {
    let id = |flag: &str| {
        let output = std::process::Command::new("id").args([flag, USER]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().ok()
    };
    // Without root this fails, and so does what comes next, which says so.
    let _not_root = chown(home, id("-u"), id("-g"));
}

#[tokio::test]
async fn a_service_from_install_to_uninstall() {
    let world = World::new().await;
    let Some(mut desk) = Desk::new(&world).await else { return };

    let installed = desk.ctl("service install").await.ok();
    for word in ["wrote", "borealisd.service", "borealisd.socket", "daemon-reload", "enable"] {
        assert!(installed.contains(word), "{installed}");
    }
    let again = desk.ctl("service install").await.ok();
    assert!(again.contains("kept") && !again.contains("wrote"), "{again}");
    let status: Value = desk.json("service status").await;
    assert_eq!((&status["installed"], &status["enabled"]), (&true.into(), &true.into()));
    assert_eq!((&status["listening"], &status["pid"]), (&true.into(), &Value::Null));

    // The first command starts it.
    assert_eq!(desk.json::<Vec<Session>>("ls").await.len(), 0);
    desk.until("borealisd.service", "ActiveState", "active").await;
    let status: Value = desk.json("service status").await;
    let program = bin(desk.home.path()).join("borealisd");
    assert_eq!(status["program"].as_str(), program.to_str());
    assert_eq!(status["pid"], desk.pid().await);
    let session: Session = desk.up(&world).await;
    assert_eq!(session.state, SessionState::Up);
    desk.answers().await;

    // A crash.
    let pid = desk.pid().await;
    desk.sh(&format!("kill -KILL {pid}")).await.ok();
    desk.until("borealisd.service", "NRestarts", "1").await;
    desk.until("borealisd.service", "ActiveState", "active").await;
    desk.ctl("wait sushi").await.ok();
    let back: Vec<Session> = desk.json("ls").await;
    assert_eq!((&back[0].id, &back[0].endpoint), (&session.id, &session.endpoint));
    desk.answers().await;

    // Through the manager: restart, stop, and the next command starts it.
    let pid = desk.pid().await;
    desk.ctl("daemon restart").await.ok();
    assert_ne!(desk.pid().await, pid);
    desk.answers().await;
    desk.ctl("daemon stop").await.ok();
    desk.until("borealisd.service", "ActiveState", "inactive").await;
    desk.ctl("daemon stop").await.ok();
    desk.until("borealisd.service", "ActiveState", "inactive").await;
    desk.ctl("daemon start").await.ok();
    desk.until("borealisd.service", "ActiveState", "active").await;
    desk.answers().await;
    assert!(desk.ctl("daemon logs").await.ok().contains("listening"), "the log is found");

    desk.ctl("down --all").await.ok();
    let removed = desk.ctl("service uninstall").await.ok();
    assert!(removed.contains("removed"), "{removed}");
    nothing_left(&mut desk).await;
    assert!(desk.ctl("service uninstall").await.ok().contains("not installed"));
    desk.leave().await;
}

async fn nothing_left(desk: &mut Desk) {
    let left: Vec<_> = walk(&units(desk.home.path()));
    assert!(left.is_empty(), "{left:?}");
    let known = desk.sh("systemctl --user list-units --all --plain --no-legend 'borealisd*'").await;
    assert_eq!(known.ok(), "");
    assert_eq!(desk.sh("ls -A \"$XDG_RUNTIME_DIR\" | grep borealis").await.out, "");
    assert_eq!(desk.sh("pgrep -x borealisd").await.out, "");
    let status: Value = desk.json("service status").await;
    assert_eq!(status["installed"], false);
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_daemon_that_was_started_by_hand_gives_way_with_its_sessions() {
    let world = World::new().await;
    let Some(mut desk) = Desk::new(&world).await else { return };
    let session: Session = desk.up(&world).await;
    let by_hand = desk.pid().await;

    let installed = desk.ctl("service install").await.ok();
    assert!(installed.contains(&format!("ran by hand, pid {by_hand}")), "{installed}");
    desk.until("borealisd.service", "ActiveState", "active").await;
    let status: Value = desk.json("service status").await;
    assert_eq!(status["pid"], desk.pid().await);
    assert_ne!(status["pid"], by_hand);
    desk.ctl("wait sushi").await.ok();
    assert_eq!(desk.json::<Vec<Session>>("ls").await[0].endpoint, session.endpoint);
    desk.answers().await;

    // Uninstalled, a command starts one by hand again, and the session is there.
    desk.ctl("service uninstall").await.ok();
    desk.ctl("wait sushi").await.ok();
    assert_eq!(desk.json::<Vec<Session>>("ls").await[0].id, session.id);
    desk.ctl("down --all").await.ok();
    desk.ctl("daemon stop").await.ok();
    desk.leave().await;
}

#[tokio::test]
async fn without_a_service_manager_it_says_so_and_writes_nothing() {
    let world = World::new().await;
    assert!(world.ctl(&["service", "install"]).await.fails(2).contains("usual place"));
    let home = world.sandbox.dir().to_owned();
    let mut install = world.ctl_command(&["service", "install"]);
    install.env_remove("BOREALIS_SOCKET").env_remove("BOREALIS_STATE_DIR").env("PATH", "/nowhere");
    let error = support::run(install).await.fails(1);
    assert!(error.contains("systemctl --user"), "{error}");
    assert!(walk(&home.join(".config")).is_empty());
}
