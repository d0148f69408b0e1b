//! What looks after the daemon, and what needs none.

use borealis_proto::{DaemonInfo, Health};

use crate::case::Case;
use crate::support::fake::Script;

/// No process has this number.
const NOBODY: u32 = 999_999_999;

/// As `systemctl --user` of a machine where nothing is installed.
const NOT_INSTALLED: &str = "exit 0";

/// The same where it is, and the socket listens.
const INSTALLED: &str = r#"case "$*" in
*show*MainPID*) printf 'MainPID=0\nUnitFileState=enabled\nFragmentPath=/u/borealisd.service\nExecStart={ path=/b/borealisd ; argv[]=/b/borealisd ; x }\n' ;;
*show*ActiveState*) printf 'ActiveState=active\nFragmentPath=/u/borealisd.socket\n' ;;
esac"#;

const RUNNING: &str = r#"case "$*" in
*show*MainPID*) printf 'MainPID=4711\nUnitFileState=enabled\nFragmentPath=/u/borealisd.service\n' ;;
*show*ActiveState*) printf 'ActiveState=active\nFragmentPath=/u/borealisd.socket\n' ;;
esac"#;

const NO_BUS: &str = "echo 'Failed to connect to bus: No medium found' >&2; exit 1";

const REFUSES: &str = "echo 'Unit borealisd.service is masked.' >&2; exit 1";

const UNIT: &str = ".config/systemd/user/borealisd.socket";

fn info(log: &str) -> DaemonInfo {
    DaemonInfo {
        replaced: false,
        passfile: None,
        version: "0.1.0".into(),
        api: 1,
        pid: NOBODY,
        started_at: "2026-11-22T09:14:03Z".parse().unwrap(),
        uptime_seconds: 11_529,
        socket: "/run/user/1000/borealis/borealisd.sock".into(),
        state_file: "/home/me/.local/state/borealis/sessions.json".into(),
        log: log.into(),
        health: Health {
            sessions: 3,
            up: 2,
            tasks: 17,
            notices: vec!["the state file was not readable and was moved aside".into()],
        },
    }
}

fn daemon() -> Script {
    let script = Script::with_sessions(&[]).on("GET /v1/daemon", 200, &info("journal"));
    script.on("POST /v1/daemon/stop", 200, &())
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new("daemon start", "text", "", 0, daemon()),
        Case::alone("daemon start", "no-program", "", 3),
        Case::new("daemon stop", "text", "", 0, daemon()),
        Case::alone("daemon stop", "not-running", "", 0),
        Case::new("daemon stop", "older-daemon", "", 1, Script::with_sessions(&[])),
        Case::new("daemon restart", "text", "", 0, daemon()),
        Case::alone("daemon restart", "no-program", "", 3),
        Case::new("daemon status", "text", "", 0, daemon()),
        Case::new("daemon status", "replaced", "", 0, replaced()),
        Case::new("daemon status", "json", "--json", 0, daemon()),
        Case::alone("daemon status", "no-daemon", "", 3),
        Case::alone("daemon status", "no-daemon-json", "--json", 3),
        Case::alone("daemon logs", "file", "-n 2", 0).file("borealisd.log", "one\ntwo\nthree\n"),
        Case::new("daemon logs", "journal", "-n 2", 0, daemon()).program("journalctl", "echo $*"),
        Case::new("daemon logs", "no-file", "", 1, daemon_with_a_log_that_is_gone()),
        Case::alone("completions", "fish", "fish", 0),
        Case::alone("completions", "no-such-shell", "tcsh", 2),
        Case::alone("man", "pages", "pages", 0),
        Case::alone("man", "no-directory", "file", 1).file("file", ""),
    ];
    cases.extend(service());
    cases
}

fn replaced() -> Script {
    let info = DaemonInfo { replaced: true, ..info("journal") };
    Script::with_sessions(&[]).on("GET /v1/daemon", 200, &info)
}

fn daemon_with_a_log_that_is_gone() -> Script {
    Script::with_sessions(&[]).on("GET /v1/daemon", 200, &info("/nonexistent/borealisd.log"))
}

fn service() -> Vec<Case> {
    let case = |verb, name, rest, code, systemctl| {
        Case::alone(verb, name, rest, code).in_the_usual_place().program("systemctl", systemctl)
    };
    vec![
        case("service install", "text", "", 0, NOT_INSTALLED),
        case("service install", "no-bus", "", 1, NO_BUS),
        case("service install", "refused", "", 1, REFUSES),
        Case::alone("service install", "elsewhere", "", 2),
        case("service uninstall", "text", "", 0, NOT_INSTALLED).file(UNIT, ""),
        case("service uninstall", "not-installed", "", 0, NOT_INSTALLED),
        case("service uninstall", "refused", "", 1, REFUSES).file(UNIT, ""),
        case("service status", "not-installed", "", 0, NOT_INSTALLED),
        case("service status", "not-installed-json", "--json", 0, NOT_INSTALLED),
        case("service status", "waiting", "", 0, INSTALLED),
        case("service status", "waiting-json", "--json", 0, INSTALLED),
        case("service status", "running", "", 0, RUNNING),
        case("service status", "no-bus", "", 1, NO_BUS),
    ]
}
