//! What is asked about an add-on, and done to it.

use borealis_client::exit::Code;
use serde_json::{Value, json};

use crate::case::Case;
use crate::declined::{
    EXTENSION_MISSING, EXTENSION_TAKEN, TO_CANCEL, TO_DEREGISTER, TO_INSTALL, TO_REGISTER,
    TO_RESET, TO_RESTORE, TO_UNINSTALL, TO_UPGRADE,
};
use crate::refusals::{self, OF_HEROKU, OF_THE_SERVICE, Refusal, STATUS};
use crate::support::fake::Script;

/// A command, what follows it, what is asked of the daemon, its answer, and what only this command
/// can be told.
#[derive(Clone)]
struct Verb {
    command: &'static str,
    rest: &'static str,
    line: &'static str,
    answer: Value,
    refusals: &'static [Refusal],
}

const CONFIRM: &str = "--confirm borealis-pg-hex-12345";

/// The verbs that print JSON on request.
const JSON: [&str; 10] = [
    "info",
    "extensions",
    "extensions install",
    "users",
    "integrations",
    "integrations register",
    "restore",
    "restore capabilities",
    "restore execute",
    "upgrade",
];

fn verb(command: &'static str, line: &'static str, answer: Value) -> Verb {
    Verb { command, rest: "sushi/DATABASE", line, answer, refusals: &[] }
}

fn verbs() -> Vec<Verb> {
    [reading(), of_parts(), of_the_whole()].concat()
}

fn reading() -> Vec<Verb> {
    let upgrade = json!({"currentPgMajorVersion": "15", "nextPgMajorVersion": "16",
                         "upgradeStatus": "available"});
    let capabilities = json!({"cloneSupported": true, "restoreSupported": true,
                              "earliestRestorableTime": "2026-11-01T09:14:03Z",
                              "latestRestorableTime": "2026-11-22T09:14:03Z"});
    let extension = |name: &str, schema: &str, version: &str| json!({"name": name, "schema": schema, "version": version});
    let extensions =
        [extension("hstore", "hstore", "1.8"), extension("postgis", "public", "3.4.0")];
    let integration = json!({"name": "bi", "dbUsername": "di_1", "sshUsername": "ssh_1",
                             "writeAccess": false, "createdAt": "2026-11-01T09:14:03Z"});
    vec![
        verb("info", "GET ", info()),
        verb("extensions", "GET /extensions", json!({"extensions": extensions})),
        verb("users", "GET /users", users()),
        verb("integrations", "GET /integrations", json!({"integrations": [integration]})),
        verb("restore", "GET /restore", capabilities.clone()),
        verb("restore capabilities", "GET /restore", capabilities),
        verb("upgrade", "GET /upgrade", upgrade.clone()),
        verb("upgrade info", "GET /upgrade", upgrade),
    ]
}

fn of_parts() -> Vec<Verb> {
    vec![
        Verb {
            rest: "sushi/DATABASE hstore",
            refusals: &TO_INSTALL,
            ..verb("extensions install", "POST /extensions", installed())
        },
        Verb {
            rest: "sushi/DATABASE hstore --confirm hstore",
            refusals: &TO_UNINSTALL,
            ..verb("extensions remove", "DELETE /extensions/hstore", Value::Null)
        },
        Verb {
            rest: "sushi/DATABASE -n bi ssh-ed25519 AAAA",
            refusals: &TO_REGISTER,
            ..verb("integrations register", "POST /integrations", login())
        },
        Verb {
            rest: "sushi/DATABASE bi --confirm bi",
            refusals: &TO_DEREGISTER,
            ..verb("integrations remove", "DELETE /integrations/bi", Value::Null)
        },
    ]
}

fn of_the_whole() -> Vec<Verb> {
    let started = json!({"currentPgMajorVersion": "15", "targetPgMajorVersion": "16"});
    let confirmed = |refusals, verb| {
        let rest = "sushi/DATABASE --confirm borealis-pg-hex-12345";
        Verb { rest, refusals, ..verb }
    };
    vec![
        Verb {
            refusals: &TO_RESTORE,
            ..verb("restore execute", "POST /restore", made("provisioning"))
        },
        confirmed(&TO_RESET[..], verb("users reset", "DELETE /users/credentials", Value::Null)),
        confirmed(&TO_UPGRADE, verb("upgrade execute", "POST /upgrade", started)),
        confirmed(&TO_CANCEL, verb("upgrade cancel", "DELETE /upgrade", Value::Null)),
    ]
}

fn info() -> Value {
    json!({
        "addonName": "borealis-pg-hex-12345", "appDbName": "d1",
        "createdAt": "2026-11-01T09:14:03.000Z", "dbStorageMaxBytes": 21474836480_u64,
        "dbStorageUsageBytes": 7340032, "dbTenancyType": "isolated",
        "planName": "x2-h20-p20-s20", "postgresVersion": "15.4", "region": "eu-central-1",
        "replicaQuantity": 1, "restoreSourceAddonName": null,
        "status": "maintenance-plan-change",
        "storageComplianceDeadline": "2126-11-01T09:14:03.000Z",
        "storageComplianceStatus": "proximity-warning"
    })
}

fn installed() -> Value {
    let one = |name: &str, version: &str| json!({"pgExtensionName": name, "pgExtensionSchema": name, "pgExtensionVersion": version});
    json!({"installed": [one("cube", "1.5"), one("earthdistance", "1.1")]})
}

fn users() -> Value {
    json!({"users": [
        {"displayName": null, "readOnlyUsername": "app_ro_1", "readWriteUsername": "app_rw_1",
         "userType": "app"},
        {"displayName": "me@sushi", "readOnlyUsername": "p_ro_1", "readWriteUsername": "p_rw_1",
         "userType": "personal"}]})
}

fn login() -> Value {
    json!({
        "dbHost": "db.internal", "dbPort": 5432, "dbName": "d1", "dbUsername": "di_1",
        "dbPassword": "s3cret", "sshHost": "ssh.example", "sshPort": 22, "sshUsername": "ssh_1",
        "publicSshHostKey": "ssh-ed25519 HOST"
    })
}

fn made(state: &str) -> Value {
    json!({"name": "borealis-pg-new-1", "state": state, "plan": {"name": "borealis-pg:x2"},
           "app": {"name": "sushi"}})
}

fn nothing() -> Script {
    Script::with_sessions(&[])
}

fn path(line: &str) -> String {
    let (method, below) = line.split_once(' ').unwrap();
    format!("{method} /v1/addons/sushi%2FDATABASE{below}")
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for verb in verbs() {
        let Verb { command, rest, line, answer, refusals } = verb;
        let line = path(line);
        let done = || nothing().on(&line, 200, &answer);
        cases.push(Case::new(command, "text", rest, 0, done()));
        let no = |refusal: &Refusal| nothing().on(&line, STATUS, &refusals::body(refusal));
        let code = |refusal: &Refusal| i32::from(Code::from(refusal.1).number());
        if JSON.contains(&command) || command == "upgrade info" {
            let rest = format!("{rest} --json");
            cases.push(Case::new(command, "json", &rest, 0, done()));
            let (login, script) = (code(&OF_HEROKU[0]), no(&OF_HEROKU[0]));
            cases.push(Case::new(command, "login-json", &rest, login, script));
        }
        for refusal in OF_HEROKU.iter().chain(&OF_THE_SERVICE).chain(refusals) {
            cases.push(Case::new(command, refusal.0, rest, code(refusal), no(refusal)));
        }
        cases.push(Case::alone(command, "no-daemon", rest, 3));
        cases.push(Case::new(command, "older-daemon", rest, 1, nothing()));
    }
    cases.extend(empty());
    cases.extend(suppressed());
    cases.extend(restored());
    cases.extend(unconfirmed());
    cases
}

/// Nothing to list.
fn empty() -> Vec<Case> {
    let none = |line, answer: &Value| nothing().on(&path(line), 200, answer);
    let maximum = json!({"currentPgMajorVersion": "17", "nextPgMajorVersion": null,
                         "upgradeStatus": "maximum"});
    let running = json!({"currentPgMajorVersion": "15", "nextPgMajorVersion": "16",
                         "upgradeStatus": "upgrading"});
    let cannot = json!({"cloneSupported": false, "restoreSupported": false,
                        "earliestRestorableTime": null, "latestRestorableTime": null});
    let sushi = "sushi/DATABASE";
    vec![
        Case::new(
            "extensions",
            "none",
            sushi,
            0,
            none("GET /extensions", &json!({"extensions": []})),
        ),
        Case::new("users", "none", sushi, 0, none("GET /users", &json!({"users": []}))),
        Case::new(
            "integrations",
            "none",
            sushi,
            0,
            none("GET /integrations", &json!({"integrations": []})),
        ),
        Case::new("restore capabilities", "none", sushi, 0, none("GET /restore", &cannot)),
        Case::new("upgrade info", "maximum", sushi, 0, none("GET /upgrade", &maximum)),
        Case::new("upgrade info", "running", sushi, 0, none("GET /upgrade", &running)),
    ]
}

/// What is no failure if one says so.
fn suppressed() -> Vec<Case> {
    let no = |line, refusal| nothing().on(&path(line), STATUS, &refusals::body(refusal));
    vec![
        Case::new(
            "extensions install",
            "conflict-suppressed",
            "sushi/DATABASE hstore -s",
            0,
            no("POST /extensions", &EXTENSION_TAKEN),
        ),
        Case::new(
            "extensions remove",
            "missing-suppressed",
            "sushi/DATABASE hstore -s --confirm hstore",
            0,
            no("DELETE /extensions/hstore", &EXTENSION_MISSING),
        ),
    ]
}

fn restored() -> Vec<Case> {
    let script = |state: &str| {
        let made_at_once = nothing().on(&path("POST /restore"), 201, &made("provisioning"));
        made_at_once.on("GET /v1/addons/borealis-pg-new-1/state", 200, &made(state))
    };
    let silent = |case: Case| case.program("notify-send", "exit 0");
    let ends = [("provisioned", 0, "ready"), ("deprovisioned", 1, "failed")];
    let waits = ends.map(|(state, code, name)| {
        silent(Case::new("restore execute", name, "sushi/DATABASE --wait", code, script(state)))
    });
    let json = ends.map(|(state, code, name)| {
        let name = format!("{name}-json");
        let rest = "sushi/DATABASE --wait --json";
        silent(Case::new("restore execute", &name, rest, code, script(state)))
    });
    [waits, json].concat()
}

/// Without a terminal and without the name.
fn unconfirmed() -> Vec<Case> {
    let table = [
        ("extensions remove", "sushi hstore"),
        ("users reset", "sushi"),
        ("integrations remove", "sushi bi"),
        ("upgrade execute", "sushi"),
        ("upgrade cancel", "sushi"),
    ];
    let case = |(command, rest)| Case::new(command, "unconfirmed", rest, 2, nothing());
    let mut cases: Vec<Case> = table.map(case).into();
    let nameless = format!("{CONFIRM} -a sushi");
    cases.push(Case::new("integrations remove", "nameless", &nameless, 2, nothing()));
    cases
}
