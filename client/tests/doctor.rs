//! `doctor`: the built program against a daemon that only knows its lines, or against none.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use borealis_proto::{
    Check, Checkup, DaemonInfo, ErrorBody, ErrorCode, ErrorDetail, Health, Reason,
};
use support::assert_golden;
use support::fake::{Ended, Fake, Script, command, script};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn info() -> DaemonInfo {
    DaemonInfo {
        replaced: false,
        passfile: None,
        version: VERSION.into(),
        api: 1,
        pid: 4711,
        started_at: "2026-11-22T09:14:03Z".parse().unwrap(),
        uptime_seconds: 60,
        socket: "/s".into(),
        state_file: "/f".into(),
        log: "journal".into(),
        health: Health::default(),
    }
}

fn because(name: &str, code: ErrorCode, message: &str, hint: &str) -> Check {
    let hint = Some(hint.to_owned());
    Check::because(name, Reason { code, message: message.into(), hint })
}

/// What a daemon that is well finds.
fn well() -> Vec<Check> {
    vec![
        Check::ok("login", "the Heroku login is in netrc"),
        Check::ok("heroku", "https://api.heroku.com answers, and accepts the login"),
        Check::ok("borealis", "https://api.test answers"),
        Check::ok("clock", "this machine's clock agrees with the APIs'"),
        Check::ok("state-dir", "/state is for you alone, and writable"),
        Check::ok("notices", "the daemon has nothing to report"),
        Check::ok("session", "sushi/DATABASE read-only is up, and Postgres answers"),
    ]
}

fn no_login() -> Check {
    let hint = "heroku login, or set HEROKU_API_KEY: borealisctl hands it over";
    let message = "there is no Heroku login on this machine";
    because("login", ErrorCode::LoginRequired, message, hint)
}

fn heroku_down() -> Check {
    let message = "https://api.heroku.com: Heroku cannot be reached: connection refused";
    because("heroku", ErrorCode::ServiceUnavailable, message, "check the network")
}

fn finding(checks: Vec<Check>) -> Script {
    Script::with_sessions(&[]).on("GET /v1/daemon", 200, &info()).on(
        "GET /v1/doctor",
        200,
        &Checkup { checks },
    )
}

/// The program with a psql of its own, and all that differs from machine to machine by a name.
struct Doctor(Command);

impl Doctor {
    fn of(fake: &Fake, args: &[&str]) -> Self {
        Self::new(fake.command(&[&["doctor"], args].concat()), fake.dir())
    }

    fn new(mut command: Command, dir: &Path) -> Self {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700)).unwrap();
        let bin = dir.join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        script(bin.join("psql"), "echo 'psql (PostgreSQL) 16.4'");
        command.env("PATH", bin);
        Self(command)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    fn ended(mut self) -> Ended {
        let dir = self.0.get_current_dir().unwrap().display().to_string();
        let mut ended = Ended::from(self.0.output().unwrap());
        ended.stdout = ended.stdout.replace(&dir, "DIR").replace(VERSION, "VERSION");
        ended
    }
}

/// The exit code, and the output compared with a file.
fn golden(name: &str, doctor: Doctor, code: i32) {
    let ended = doctor.ended();
    assert_golden(name, &ended.stdout);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert_eq!(ended.stderr, "");
    assert!(!ended.stdout.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn all_is_well() {
    let fake = Fake::start(finding(well()));
    golden("doctor-well.txt", Doctor::of(&fake, &[]), 0);
    golden("doctor-well.json", Doctor::of(&fake, &["--json"]), 0);
    assert_eq!(fake.asked_lines()[..2], ["GET /v1/daemon", "GET /v1/doctor"]);
}

#[test]
fn what_the_daemon_finds() {
    let hint = "it goes on by itself; to wait for it: borealisctl wait sushi/DATABASE";
    let session = because("session", ErrorCode::LinkLost, "sushi/DATABASE is reconnecting", hint);
    let clock = Check::warning("clock", "this machine's clock is 90 seconds ahead");
    let fake = Fake::start(finding(vec![
        no_login(),
        heroku_down(),
        clock.or_hint("set it: sudo timedatectl set-ntp true"),
        session,
    ]));
    golden("doctor-found.txt", Doctor::of(&fake, &[]), 5);
    golden("doctor-found.json", Doctor::of(&fake, &["--json"]), 5);
}

#[test]
fn the_first_problem_decides_the_exit_code_and_a_warning_does_not() {
    let two_factor = because("heroku", ErrorCode::TwoFactorRequired, "m", "h");
    let warning = || Check::warning("notices", "m").or_hint("h");
    let table = [
        (vec![warning()], 0),
        (vec![warning(), heroku_down(), no_login()], 1),
        (vec![no_login(), heroku_down()], 5),
        (vec![two_factor], 5),
    ];
    for (checks, code) in table {
        let fake = Fake::start(finding(checks));
        assert_eq!(Doctor::of(&fake, &[]).ended().code, Some(code));
    }
}

#[test]
fn a_daemon_that_cannot_be_had_is_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let doctor = |args: &[&str]| Doctor::new(command(dir.path(), args), dir.path());
    golden("doctor-no-daemon.txt", doctor(&["doctor"]), 3);
    golden("doctor-no-daemon.json", doctor(&["doctor", "--json"]), 3);
    let daemon = script(dir.path().join("daemon"), "echo 'the disk is full' >&2; exit 1");
    let broken = doctor(&["doctor"]).with("BOREALISD", daemon.to_str().unwrap());
    golden("doctor-broken-daemon.txt", broken, 3);
}

#[test]
fn a_daemon_that_knows_no_checks_is_an_older_one() {
    let older = DaemonInfo { version: "0.0.9".into(), ..info() };
    let fake = Fake::start(Script::with_sessions(&[]).on("GET /v1/daemon", 200, &older));
    golden("doctor-older-daemon.txt", Doctor::of(&fake, &[]), 1);
}

#[test]
fn a_daemon_that_refuses_its_checks_says_why() {
    let error = ErrorDetail {
        code: ErrorCode::Closing,
        message: "the daemon is stopping".into(),
        hint: None,
        retryable: true,
        choices: Vec::new(),
    };
    let body = ErrorBody { error, request_id: "r".into() };
    let fake = Fake::start(finding(well()).on("GET /v1/doctor", 503, &body));
    let ended = Doctor::of(&fake, &[]).ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("the daemon is stopping\n    hint: "), "{ended:?}");
}

#[test]
fn wrong_settings_are_a_finding() {
    let fake = Fake::start(finding(well()));
    std::fs::write(fake.dir().join("config.toml"), "sokcet = 1").unwrap();
    golden("doctor-settings.txt", Doctor::of(&fake, &[]), 1);
    assert!(fake.asked().is_empty(), "where the daemon is, nobody knows");
    std::fs::write(fake.dir().join("config.toml"), "log = 'debug'").unwrap();
    let ended = Doctor::of(&fake, &[]).ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("settings   DIR/config.toml is read; "), "{ended:?}");
}

#[test]
fn the_key_goes_to_the_daemon_and_to_nobody_else() {
    let fake = Fake::start(finding(well()));
    for args in [&[][..], &["--json"], &["--verbose"]] {
        let ended = Doctor::of(&fake, args).with("HEROKU_API_KEY", "canary-key").ended();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
        assert!(ended.stdout.contains("HEROKU_API_KEY is set, and handed to borealisd"));
    }
    for asked in fake.asked() {
        let expected = (asked.line == "GET /v1/doctor").then_some("canary-key");
        assert_eq!(asked.heroku_key.as_deref(), expected, "{}", asked.line);
    }
}

#[test]
fn a_key_that_is_none_hides_nothing_else() {
    let fake = Fake::start(finding(well()));
    let doctor = Doctor::of(&fake, &[]).with("HEROKU_API_KEY", "canary\u{7f}key");
    golden("doctor-bad-key.txt", doctor, 5);
    assert!(fake.asked().iter().all(|asked| asked.heroku_key.is_none()));
}

#[test]
fn a_psql_that_is_not_there_or_does_not_work_is_a_warning() {
    let fake = Fake::start(finding(well()));
    let ended = Doctor::of(&fake, &[]).with("PATH", "/nonexistent").ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let missing = "warning  psql       psql is not found\n    hint: install it: ";
    assert!(ended.stdout.contains(missing), "{ended:?}");
    assert!(ended.stdout.ends_with("\nno problem, 1 warning\n"), "{ended:?}");

    let doctor = Doctor::of(&fake, &[]);
    script(fake.dir().join("bin/psql"), "exit 7");
    let ended = doctor.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let broken = "warning  psql       DIR/bin/psql ends with exit status: 7\n    hint: try it: ";
    assert!(ended.stdout.contains(broken), "{ended:?}");
}

#[test]
fn a_socket_that_others_can_reach_is_a_warning() {
    let fake = Fake::start(finding(well()));
    let doctor = Doctor::of(&fake, &[]);
    std::fs::set_permissions(fake.dir(), Permissions::from_mode(0o755)).unwrap();
    let socket = fake.dir().join("borealisd.sock");
    std::fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    let ended = doctor.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let open = "DIR/borealisd.sock can be reached by other users\n    hint: chmod 700 DIR\n";
    assert!(ended.stdout.contains(open), "{ended:?}");
}
