//! The commands about an add-on, against a daemon that only knows its lines: what is asked, and what
//! is not. What is printed stands in the files of `golden_cli`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use borealis_proto::{ErrorBody, ErrorCode, ErrorDetail};
use serde_json::{Value, json};
use support::fake::{Fake, Script};

const BASE: &str = "/v1/addons/sushi%2FDATABASE";
const ADDON: &str = "borealis-pg-hex-12345";

fn script() -> Script {
    Script::with_sessions(&[])
}

fn refusal(code: ErrorCode) -> ErrorBody {
    let detail = json!({"code": code, "message": "it is refused", "hint": "type this next"});
    let error: ErrorDetail = serde_json::from_value(detail).unwrap();
    ErrorBody { error, request_id: "r1".into() }
}

fn info() -> Value {
    json!({
        "addonName": ADDON, "appDbName": "d1", "createdAt": "2026-11-01T09:14:03.000Z",
        "dbStorageMaxBytes": 21474836480_u64, "dbStorageUsageBytes": 7340032,
        "dbTenancyType": "isolated", "planName": "x2-h20-p20-s20", "postgresVersion": "15.4",
        "region": "eu-central-1", "replicaQuantity": 1, "restoreSourceAddonName": null,
        "status": "maintenance-plan-change",
        "storageComplianceDeadline": "2126-11-01T09:14:03.000Z",
        "storageComplianceStatus": "proximity-warning"
    })
}

#[test]
fn what_the_service_invents_is_shown_as_it_came() {
    let mut strange = info();
    strange["status"] = "hibernating".into();
    strange["region"] = "mars-north-1\u{1b}[2J".into();
    strange["createdAt"] = "long ago".into();
    let fake = Fake::start(script().on(&format!("GET {BASE}"), 200, &strange));
    let text = fake.run(&["info", "sushi/DATABASE"]).stdout;
    for part in ["hibernating", r"mars-north-1\u{1b}[2J", "long ago"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn without_a_terminal_nothing_happens_that_is_not_confirmed() {
    let fake = Fake::start(script());
    let lines: [&[&str]; 5] = [
        &["extensions", "remove", "sushi", "hstore"],
        &["users", "reset", "sushi"],
        &["integrations", "remove", "sushi", "bi_tool"],
        &["upgrade", "execute", "sushi"],
        &["upgrade", "cancel", "sushi"],
    ];
    for line in lines {
        let ended = fake.run(line);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("nothing was done"), "{ended:?}");
        assert!(ended.stderr.contains("--confirm"), "{ended:?}");
    }
    assert!(fake.asked().is_empty(), "{:?}", fake.asked());
}

#[test]
fn what_is_confirmed_goes_to_the_daemon_with_the_name() {
    let table: [(&[&str], &str, Value, &str); 5] = [
        (
            &["extensions", "remove", "sushi/DATABASE", "hstore"],
            "DELETE /extensions/hstore",
            Value::Null,
            "hstore  removed\n",
        ),
        (
            &["users", "reset", "sushi/DATABASE"],
            "DELETE /users/credentials",
            Value::Null,
            "sushi/DATABASE  all database credentials are reset\n",
        ),
        (
            &["integrations", "remove", "sushi/DATABASE", "-n", "bi_tool"],
            "DELETE /integrations/bi_tool",
            Value::Null,
            "bi_tool  removed\n",
        ),
        (
            &["upgrade", "execute", "sushi/DATABASE"],
            "POST /upgrade",
            json!({"currentPgMajorVersion": "15", "targetPgMajorVersion": "16"}),
            "upgrading from PostgreSQL 15 to 16\n",
        ),
        (
            &["upgrade", "cancel", "sushi/DATABASE"],
            "DELETE /upgrade",
            Value::Null,
            "the upgrade is cancelled\n",
        ),
    ];
    for (words, line, answer, printed) in table {
        let (method, below) = line.split_once(' ').unwrap();
        let fake = Fake::start(script().on(&format!("{method} {BASE}{below}"), 200, &answer));
        let ended = fake.run(&[words, &["--confirm", ADDON]].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), printed), "{ended:?}");
    }
}

#[test]
fn each_refusal_has_its_exit_code_and_says_what_to_type() {
    use ErrorCode as E;
    let table = [
        (E::Refused, 6),
        (E::Maintenance, 6),
        (E::AlreadyExists, 6),
        (E::AccessRevoked, 6),
        (E::NoSuchPart, 4),
        (E::LoginRequired, 5),
        (E::ServiceUnavailable, 1),
    ];
    for (code, number) in table {
        let fake =
            Fake::start(script().on(&format!("POST {BASE}/extensions"), 409, &refusal(code)));
        let install = ["extensions", "install", "sushi/DATABASE", "hstore"];
        let ended = fake.run(&install);
        assert_eq!(ended.code, Some(number), "{code:?}: {ended:?}");
        assert_eq!(ended.stdout, "");
        assert_eq!(ended.stderr, "error: it is refused\nhint: type this next\n");
        let suppressed = fake.run(&[&install[..], &["-s"]].concat());
        let expected = if code == E::AlreadyExists { 0 } else { number };
        assert_eq!(suppressed.code, Some(expected), "{code:?}: {suppressed:?}");
    }
}

#[test]
fn a_name_alone_needs_the_target_elsewhere() {
    let answer = json!({"installed": [{"pgExtensionName": "hstore", "pgExtensionSchema": "hstore",
                                       "pgExtensionVersion": "1.8"}]});
    let lines: [&[&str]; 4] = [
        &["extensions", "install", "sushi", "hstore"],
        &["extensions", "install", "--app", "sushi", "hstore"],
        &["extensions", "install", "hstore", "-a", "sushi", "-r"],
        &["borealis-pg:extensions:install", "-a", "sushi", "-s", "hstore"],
    ];
    for line in lines {
        let fake = Fake::start(script().on("POST /v1/addons/sushi/extensions", 201, &answer));
        let ended = fake.run(line);
        assert_eq!(ended.stdout, "hstore  1.8  installed in schema hstore\n", "{ended:?}");
        let body: Value = serde_json::from_str(&fake.asked().pop().unwrap().body).unwrap();
        assert_eq!(body["recursive"], line.contains(&"-r"));
    }
}

#[test]
fn a_key_may_be_typed_as_it_stands_in_its_file() {
    let login = json!({
        "dbHost": "db.internal", "dbPort": 5432, "dbName": "d1", "dbUsername": "di_1",
        "dbPassword": "s3cret", "sshHost": "ssh.example", "sshPort": 22, "sshUsername": "ssh_1",
        "publicSshHostKey": "ssh-ed25519 HOST"
    });
    let lines: [(&[&str], &str); 4] = [
        (&["sushi", "ssh-ed25519", "AAAA"], "ssh-ed25519 AAAA"),
        (&["sushi", "ssh-ed25519 AAAA me@home"], "ssh-ed25519 AAAA me@home"),
        (&["-a", "sushi", "ssh-rsa", "AAAA", "me@home"], "ssh-rsa AAAA me@home"),
        (&["-a", "sushi", "ecdsa-sha2-nistp256 AAAA"], "ecdsa-sha2-nistp256 AAAA"),
    ];
    for (words, key) in lines {
        let line = "POST /v1/addons/sushi/integrations";
        let fake = Fake::start(script().on(line, 201, &login));
        let ended = fake.run(&[&["integrations", "register", "-n", "bi", "-w"], words].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let body: Value = serde_json::from_str(&fake.asked().pop().unwrap().body).unwrap();
        let wish = json!({"integrationName": "bi", "sshPublicKey": key, "enableWriteAccess": true});
        assert_eq!(body, wish);
    }
}

#[test]
fn restore_says_what_it_wants_and_what_came_of_it() {
    let made = |state: &str| {
        json!({"name": "borealis-pg-new-1", "state": state,
               "plan": {"name": "borealis-pg:x2"}, "app": {"name": "maki"}})
    };
    let script = script().on(&format!("POST {BASE}/restore"), 201, &made("provisioning")).on(
        "GET /v1/addons/borealis-pg-new-1/state",
        200,
        &made("provisioned"),
    );
    let fake = Fake::start(script);
    let execute = ["restore", "execute", "sushi/DATABASE", "-d", "maki", "-n", "x2", "--as", "OLD"];
    let at = ["-t", "2026-11-22T10:14:03+01:00", "--wait"];
    let ended = fake.command(&[&execute[..], &at].concat()).env("PATH", "").output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let printed = "borealis-pg-new-1  provisioned  in maki, borealis-pg:x2\n";
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), printed);
    let asked = fake.asked();
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    let wish = json!({"destinationApp": "maki", "planName": "x2", "attachmentName": "OLD",
                      "restoreToTime": "2026-11-22T09:14:03Z"});
    assert_eq!(body, wish);

    let failed = script_of_failure(&made("provisioning"), &made("deprovisioned"));
    let ended = Fake::start(failed).run(&["restore", "execute", "sushi/DATABASE", "--wait"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("is deprovisioned, and not provisioned"), "{ended:?}");
}

fn script_of_failure(first: &Value, last: &Value) -> Script {
    script().on(&format!("POST {BASE}/restore"), 201, first).on(
        "GET /v1/addons/borealis-pg-new-1/state",
        200,
        last,
    )
}
