//! What shows, exports and completes: the built program against a daemon that only knows its lines.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use borealis_proto::{Access, ErrorBody, ErrorCode, ErrorDetail, Event, Session, SessionId};
use support::fake::{Fake, Script, command};
use support::{assert_golden, reconnecting, session};

fn writer() -> Session {
    let id = SessionId::new("writer");
    Session { access: Access::ReadWrite, id, ..session("sushi", "DATABASE") }
}

/// The end of the stream is the end of the daemon.
fn with_events(sessions: &[Session], events: &[Event]) -> Script {
    let lines = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
    Script::with_sessions(sessions).text("GET /v1/events", &lines.collect::<String>())
}

fn down_and_up() -> Vec<Event> {
    let (up, away) = (session("sushi", "DATABASE"), reconnecting("sushi", "DATABASE"));
    let away = Session { id: up.id.clone(), ..away };
    vec![
        Event::Snapshot { sessions: vec![session("maki", "DATABASE"), up.clone()] },
        Event::Session { session: Box::new(session("maki", "DATABASE")) },
        Event::Session { session: Box::new(away) },
        Event::Session { session: Box::new(up) },
    ]
}

#[test]
fn events_are_passed_on_as_they_are() {
    let lines =
        "{\"type\":\"snapshot\",\"sessions\":[]}\n\n{\"type\":\"eclipse\",\"z\":1,\"a\":1.50}\n";
    let fake = Fake::start(Script::with_sessions(&[]).text("GET /v1/events", lines));
    let ended = fake.run(&["events"]);
    assert_eq!(ended.stdout, lines.replace("\n\n", "\n"));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.stderr, "error: borealisd has stopped\nhint: borealisctl daemon start\n");
}

#[test]
fn watch_writes_what_is_watched_at_each_event_that_concerns_it() {
    let fake = Fake::start(with_events(&[session("sushi", "DATABASE")], &down_and_up()));
    let ended = fake.run(&["status", "sushi", "--watch"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_golden("watch-one.txt", &ended.stdout);
    let json = fake.run(&["status", "sushi", "--watch", "--json"]);
    let states = json
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Session>(line).unwrap().state.to_string());
    assert_eq!(states.collect::<Vec<_>>(), ["up", "reconnecting", "up"]);
}

#[test]
fn watch_of_all_is_an_array_a_change() {
    let fake = Fake::start(with_events(&[], &down_and_up()));
    let ended = fake.run(&["status", "--watch", "--json"]);
    let lists: Vec<Vec<Session>> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lists.len(), 4);
    assert!(lists.iter().all(|list| list.len() == 2));
}

#[test]
fn watch_ends_with_what_is_watched() {
    let sushi = session("sushi", "DATABASE");
    let closed = Event::Closed { id: sushi.id.clone() };
    let events = [Event::Snapshot { sessions: vec![sushi.clone()] }, closed];
    let fake = Fake::start(with_events(&[sushi], &events));
    let ended = fake.run(&["status", "sushi", "--watch"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("sushi/DATABASE was closed meanwhile\nhint: open it: "));
}

#[test]
fn ls_says_the_wrong_way_things_first() {
    let fake = Fake::start(Script::with_sessions(&[
        session("maki", "DATABASE"),
        reconnecting("ramen", "ANALYTICS"),
    ]));
    let ended = fake.run(&["ls"]);
    let position = |what| ended.stdout.find(what).unwrap();
    assert!(position("ramen/ANALYTICS") < position("maki/DATABASE"), "{ended:?}");
    assert!(!ended.stdout.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn exports() {
    let fake = Fake::start(Script::with_sessions(&[session("sushi", "DATABASE"), writer()]));
    for tool in ["service", "pgpass", "pgadmin", "dbeaver"] {
        let ended = fake.command(&["export", tool, "sushi"]).env("HOME", "/home/me").output();
        let ended = support::fake::Ended::from(ended.unwrap());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.stdout.contains("it's/p@ss"), tool == "pgpass", "the only one with it");
        assert_eq!(ended.stderr.contains("has the password in it"), tool == "pgpass");
    }
    let asked = |end: &str| fake.asked_lines().iter().filter(|line| line.ends_with(end)).count();
    assert_eq!(asked("/credentials"), 1, "nobody else needs the secret");
    let service = fake.run(&["export", "service", "sushi", "-w"]).stdout;
    assert!(service.starts_with("[sushi/DATABASE/read-write]\n"), "{service}");
    assert_eq!(fake.run(&["export", "pgpass", "nigiri"]).code, Some(4));
}

/// The daemon keeps a password file: who can be told of it is told.
#[test]
fn exports_point_to_the_file_that_is_kept_right() {
    let script = Script::with_sessions(&[session("sushi", "DATABASE")]);
    let daemon = support::daemon(Some("/run/user/1000/borealis/pgpass"));
    let fake = Fake::start(script.on("GET /v1/daemon", 200, &daemon));
    for tool in ["service", "pgadmin", "dbeaver"] {
        let ended = fake.command(&["export", tool, "sushi"]).env("HOME", "/home/me").output();
        let ended = support::fake::Ended::from(ended.unwrap());
        let both = format!("{}--\n{}", ended.stdout, ended.stderr);
        assert_golden(&format!("export-{tool}-kept.txt"), &both);
    }
}

#[test]
fn psql_finds_the_exported_service() {
    let fake = Fake::start(Script::with_sessions(&[session("sushi", "DATABASE")]));
    let file = fake.dir().join("service.conf");
    std::fs::write(&file, fake.run(&["export", "service", "sushi"]).stdout).unwrap();
    let psql = std::process::Command::new("psql")
        .args(["-X", "-w", "service=sushi/DATABASE connect_timeout=2", "-c", "select 1"])
        .env("PGSERVICEFILE", &file)
        .output()
        .unwrap();
    let said = String::from_utf8(psql.stderr).unwrap();
    assert!(said.contains("127.0.0.1") && said.contains("15873"), "{said}");
}

#[test]
fn verbose_says_what_is_asked_and_quiet_says_nothing_beside_the_result() {
    let up = session("sushi", "DATABASE");
    let script = Script::with_sessions(std::slice::from_ref(&up)).on("POST /v1/sessions", 200, &up);
    let fake = Fake::start(script);
    let normal = fake.run(&["up", "sushi/DATABASE"]);
    assert_eq!(normal.stderr, "use it: borealisctl psql sushi/DATABASE\n");
    let quiet = fake.run(&["up", "sushi/DATABASE", "--quiet"]);
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (normal.stdout, ""));
    let verbose = fake.run(&["--verbose", "up", "sushi/DATABASE"]).stderr;
    let socket = fake.dir().join("borealisd.sock");
    assert!(verbose.contains(&format!("> POST /v1/sessions on {}", socket.display())), "{verbose}");
    assert!(verbose.contains("< POST /v1/sessions: 200 after "), "{verbose}");
    assert!(verbose.contains(", request id-of-the-fake\n"), "{verbose}");
    let failed = fake.run(&["-q", "status", "nigiri"]).stderr;
    assert!(failed.starts_with("error: ") && failed.contains("\nhint: "), "{failed}");
}

#[test]
fn several_add_ons_are_an_error_with_the_list_when_nobody_can_be_asked() {
    let error = ErrorDetail {
        code: ErrorCode::TargetAmbiguous,
        message: "app ramen has 2 Borealis Isolated Postgres add-ons".into(),
        hint: None,
        retryable: false,
        choices: vec!["ramen/ARCHIVE".into(), "ramen/DATABASE".into()],
    };
    let body = ErrorBody { error, request_id: "r".into() };
    let fake = Fake::start(Script::with_sessions(&[]).on("POST /v1/sessions", 409, &body));
    for args in [&["up", "ramen"][..], &["psql", "ramen"], &["tunnel", "ramen"]] {
        let ended = fake.run(args);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        let hint = "hint: name one of them: ramen/ARCHIVE, ramen/DATABASE\n";
        assert!(ended.stderr.ends_with(hint), "{ended:?}");
    }
}

#[test]
fn a_slip_of_the_pen_gets_a_proposal_also_for_what_is_not_open() {
    let error = ErrorDetail {
        code: ErrorCode::TargetNotFound,
        message: "sishi is neither an app nor an add-on".into(),
        hint: Some("see what there is with `heroku addons --all`".into()),
        retryable: false,
        choices: Vec::new(),
    };
    let body = ErrorBody { error, request_id: "r".into() };
    let script = Script::with_sessions(&[session("sushi", "DATABASE")]);
    let fake = Fake::start(script.on("POST /v1/sessions", 404, &body));
    let ended = fake.run(&["up", "sishi/DATABASE"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("hint: did you mean sushi/DATABASE? If not, see "), "{ended:?}");
}

#[test]
fn a_shell_is_offered_live_names_and_never_starts_a_daemon() {
    let fake = Fake::start(Script::with_sessions(&[session("sushi", "DATABASE"), writer()]));
    let offered = |words: &[&str]| {
        let args = [&["--", "borealisctl"], words].concat();
        let ended = fake.command(&args).env("COMPLETE", "fish").output().unwrap();
        assert!(ended.stderr.is_empty(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    };
    assert!(offered(&["status", "su"]).starts_with("sushi/DATABASE\tup, read-only\n"));
    assert!(offered(&["psql", "ses_w"]).starts_with("ses_writer\tsushi/DATABASE"));
    assert!(offered(&["up", "--app", "s"]).starts_with("sushi"));
    assert!(offered(&["up", "--addon", "DA"]).starts_with("DATABASE"));
    assert!(offered(&["stat"]).starts_with("status\t"));

    let nowhere = tempfile::tempdir().unwrap();
    let args = ["--", "borealisctl", "status", "s"];
    let ended = command(nowhere.path(), &args).env("COMPLETE", "fish").output().unwrap();
    assert!(ended.status.success() && ended.stdout.is_empty() && ended.stderr.is_empty());
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0, "nothing was started");
}

#[test]
fn completions_of_every_shell() {
    let fake = Fake::start(Script::with_sessions(&[session("sushi", "DATABASE")]));
    let shells = ["bash", "elvish", "fish", "nushell", "powershell", "zsh"];
    for shell in shells {
        let ended = fake.run(&["completions", shell]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains("COMPLETE") && ended.stdout.contains("borealisctl"));
        assert!(!ended.stdout.contains("/debug/"), "the PATH finds it: {}", ended.stdout);
    }
    let nushell = fake.run(&["completions", "nushell"]).stdout;
    assert!(nushell.contains("target?: string@\"nu-complete borealisctl live\""), "{nushell}");
    let args = ["--", "borealisctl", "status", ""];
    let live = fake.command(&args).env("COMPLETE", "nushell").output().unwrap();
    let live = String::from_utf8(live.stdout).unwrap();
    assert!(live.lines().any(|line| line == "sushi/DATABASE"), "{live}");
    assert_eq!(fake.run(&["completions", "tcsh"]).code, Some(2));
}

#[test]
fn bash_completes_a_live_name() {
    let fake = Fake::start(Script::with_sessions(&[session("sushi", "DATABASE")]));
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_borealisctl")).parent().unwrap();
    let script = "eval \"$(borealisctl completions bash)\"; COMP_WORDS=(borealisctl psql su); \
                  COMP_CWORD=2; _clap_complete_borealisctl borealisctl su psql; echo \"$COMPREPLY\"";
    let mut like_ours = fake.command(&[]);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", script]).env_clear();
    bash.envs(like_ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ended = bash.env("PATH", path).current_dir(fake.dir()).output().unwrap();
    let _unused = like_ours.arg("ls");
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "sushi/DATABASE\n", "{ended:?}");
}

#[test]
fn man_pages_say_what_help_says() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man").join("man1");
    let ended = command(dir.path(), &["man", pages.to_str().unwrap()]).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("borealisctl.1").contains("borealisctl\\-status(1)"));
    assert!(page("borealisctl-up.1").contains("Examples:"));
    assert!(page("borealisctl-export-pgpass.1").contains("password"));
    let title = page("borealisctl-status.1");
    let title = title.lines().find(|line| line.starts_with(".TH")).unwrap();
    let (before, after) = title.split_once(" 1 ").unwrap();
    assert_eq!(before, ".TH borealisctl-status");
    let (date, source) = after.split_once(' ').unwrap();
    assert!(date.parse::<jiff::civil::Date>().is_ok(), "a date: {title}");
    assert_eq!(source.trim_end(), concat!("\"borealisctl ", env!("CARGO_PKG_VERSION"), "\""));
    assert!(!page("borealisctl-run.1").contains(".br\n\n"), "a space is one line");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = command(dir.path(), &["man", file.to_str().unwrap()]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
}
