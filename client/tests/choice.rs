//! A target that fits several add-ons: a list at a terminal, the same list as an error without one,
//! for whatever takes a target.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use borealis_proto::{ErrorBody, ErrorCode, ErrorDetail, Event};
use support::fake::{Fake, Script};
use support::session;
use support::terminal::on_a_terminal;

/// They look among the open sessions.
const OPEN: [&str; 12] = [
    "down ramen",
    "status ramen",
    "status ramen --watch",
    "wait ramen",
    "reconnect ramen",
    "refresh ramen",
    "env ramen",
    "url ramen",
    "export service ramen",
    "export pgpass ramen",
    "export pgadmin ramen",
    "export dbeaver ramen",
];

/// They have the daemon ask Heroku.
const ANY: [&str; 23] = [
    "up ramen",
    "tunnel ramen",
    "psql ramen --binary-path true",
    "run ramen -d select",
    "run ramen -u -d select",
    "run ramen -- true",
    "ps ramen",
    "locks ramen",
    "kill ramen 7",
    "info ramen",
    "extensions ramen",
    "extensions install ramen hstore",
    "extensions remove ramen hstore --confirm hex",
    "users ramen",
    "users reset ramen --confirm hex",
    "integrations ramen",
    "integrations register ramen -n bi ssh-ed25519 AAAA",
    "integrations remove ramen bi --confirm hex",
    "restore capabilities ramen",
    "restore execute ramen",
    "upgrade info ramen",
    "upgrade execute ramen --confirm hex",
    "upgrade cancel ramen --confirm hex",
];

fn ambiguous() -> ErrorBody {
    let error = ErrorDetail {
        code: ErrorCode::TargetAmbiguous,
        message: "app ramen has 2 Borealis Isolated Postgres add-ons".into(),
        hint: None,
        retryable: false,
        choices: vec!["ramen/ARCHIVE".into(), "ramen/DATABASE".into()],
    };
    ErrorBody { error, request_id: "r".into() }
}

fn several_open() -> Script {
    let sessions = vec![session("ramen", "ARCHIVE"), session("ramen", "DATABASE")];
    let script = Script::with_sessions(&sessions);
    let snapshot = serde_json::to_string(&Event::Snapshot { sessions }).unwrap();
    script.text("GET /v1/events", &(snapshot + "\n"))
}

fn several_attached() -> Script {
    let mut script = Script::with_sessions(&[]).on("POST /v1/sessions", 409, &ambiguous());
    for below in ["", "/extensions", "/users", "/integrations", "/restore", "/upgrade"] {
        for method in ["GET", "POST"] {
            script = script.on(&format!("{method} /v1/addons/ramen{below}"), 409, &ambiguous());
        }
    }
    for below in ["/extensions/hstore", "/users/credentials", "/integrations/bi", "/upgrade"] {
        script = script.on(&format!("DELETE /v1/addons/ramen{below}"), 409, &ambiguous());
    }
    script
}

fn all() -> impl Iterator<Item = (&'static str, Script)> {
    let open = OPEN.into_iter().map(|line| (line, several_open()));
    open.chain(ANY.into_iter().map(|line| (line, several_attached())))
}

#[test]
fn at_a_terminal_it_is_a_list_and_the_chosen_one_is_what_is_asked_for() {
    for (line, script) in all() {
        let fake = Fake::start(script);
        let mut terminal = on_a_terminal(&fake, &line.split(' ').collect::<Vec<_>>());
        let asked = terminal.exp_string("ramen/DATABASE");
        assert!(asked.is_ok(), "{line}: {asked:?}");
        terminal.send("\u{1b}[B\r").unwrap();
        terminal.flush().unwrap();
        // The answer is shown behind the question, before anything is done with it.
        terminal.exp_string("Which one?").unwrap();
        terminal.exp_string("ramen/DATABASE").unwrap();
        let rest = terminal.exp_eof().unwrap();
        let asked = fake.asked().pop().unwrap();
        let of_the_chosen = ["/v1/sessions/ses_ramen8", "/v1/addons/ramen%2FDATABASE"]
            .iter()
            .any(|path| asked.line.contains(path));
        let meant = of_the_chosen
            || asked.body.contains(r#""target":"ramen/DATABASE""#)
            || (OPEN.contains(&line) && rest.contains("ramen/DATABASE"));
        assert!(meant, "{line}: {asked:?} {rest}");
    }
}

#[test]
fn without_a_terminal_it_is_an_error_with_the_list() {
    for (line, script) in all() {
        let fake = Fake::start(script);
        let ended = fake.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(ended.code, Some(4), "{line}: {ended:?}");
        let hint = "hint: name one of them: ramen/ARCHIVE, ramen/DATABASE\n";
        assert!(ended.stderr.ends_with(hint), "{line}: {ended:?}");
    }
}
