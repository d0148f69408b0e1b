//! The files for systemd and launchd are real ones.

#![allow(clippy::unwrap_used, reason = "a helper that fails should fail the test")]

mod support;

use std::path::{Path, PathBuf};

use borealis_client::start::manager::{Launchd, ServiceManager, Steps};
use plist::{Dictionary, Value};
use tokio::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// systemd checks that the program exists, so it is shown a copy with the path of the built one.
#[tokio::test]
async fn systemd_accepts_the_user_units() {
    let dir = tempfile::tempdir().unwrap();
    let service = std::fs::read_to_string(root().join("systemd/borealisd.service")).unwrap();
    let program = support::program("borealisd");
    let exec = service.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    let installed = service.replace(exec, &format!("ExecStart={}", program.display()));
    std::fs::write(dir.path().join("borealisd.service"), installed).unwrap();
    std::fs::copy(root().join("systemd/borealisd.socket"), dir.path().join("borealisd.socket"))
        .unwrap();
    let mut verify = Command::new("systemd-analyze");
    verify.args(["--user", "--man=no", "verify"]);
    verify.arg(dir.path().join("borealisd.service")).arg(dir.path().join("borealisd.socket"));
    verify.env("XDG_RUNTIME_DIR", dir.path());
    let output = verify.output().await.expect("systemd-analyze is installed");
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !words.contains("borealisd"), "{words}");
}

/// Where the units listen is where the client looks.
#[test]
fn the_socket_unit_listens_where_the_client_looks() {
    let socket = std::fs::read_to_string(root().join("systemd/borealisd.socket")).unwrap();
    assert!(socket.contains("ListenStream=%t/borealis/borealisd.sock"), "{socket}");
    assert!(socket.contains("SocketMode=0600") && socket.contains("DirectoryMode=0700"));
}

const LIST: &str = "com.borealis-data.borealisd.plist";

fn property_list(path: &Path) -> Dictionary {
    Value::from_file(path).unwrap().into_dictionary().unwrap()
}

fn text<'a>(list: &'a Dictionary, key: &str) -> Option<&'a str> {
    list.get(key)?.as_string()
}

/// When launchd runs the agent, and what it may use.
fn agent_is_looked_after(list: &Dictionary) {
    assert_eq!(text(list, "Label"), Some("com.borealis-data.borealisd"));
    assert_eq!(list.get("RunAtLoad"), Some(&Value::Boolean(true)));
    let keep_alive = Dictionary::from_iter([("SuccessfulExit", Value::Boolean(false))]);
    assert_eq!(list.get("KeepAlive"), Some(&Value::Dictionary(keep_alive)));
    assert_eq!(list.get("ThrottleInterval"), Some(&Value::from(5)));
    for limits in ["SoftResourceLimits", "HardResourceLimits"] {
        let limits = list.get(limits).and_then(Value::as_dictionary).unwrap();
        assert_eq!(limits.get("NumberOfFiles"), Some(&Value::from(10_240)));
        assert_eq!(limits.get("Core"), Some(&Value::from(0)));
    }
    assert_eq!(list.get("Umask"), Some(&Value::from(0o077)));
}

#[test]
fn the_agent_in_the_repository_is_a_property_list() {
    let list = property_list(&root().join("launchd").join(LIST));
    agent_is_looked_after(&list);
    let log = text(&list, "StandardErrorPath").unwrap();
    assert!(log.starts_with("@STATE@/"), "{log}");
}

/// Whatever means something in XML stands in the paths, and comes back as it was.
#[tokio::test]
async fn launchd_reads_the_installed_agent() {
    let dir = tempfile::tempdir().unwrap();
    let launchctl = dir.path().join("launchctl");
    std::fs::copy(root().join("sandbox/tests/support/launchctl"), &launchctl).unwrap();
    let agents = dir.path().join("Library/LaunchAgents");
    let state = dir.path().join("Application Support & <logs>");
    let program = dir.path().join(r#"my tools & <mine> &amp; "'ü]]>/borealisd"#);
    let launchd = Launchd::new(agents.clone(), &state, 501, launchctl);
    let manager = ServiceManager::Launchd(launchd);
    manager.install(&program, &mut Steps::default()).await.unwrap();

    let list = property_list(&agents.join(LIST));
    agent_is_looked_after(&list);
    let started = Value::Array(vec![Value::from(program.to_str().unwrap())]);
    assert_eq!(list.get("ProgramArguments"), Some(&started));
    let log = state.join("borealisd.start.log");
    assert_eq!(text(&list, "StandardErrorPath"), log.to_str());
    assert!(state.is_dir(), "launchd does not make the directory of the log");

    let unwritable = Path::new("/a\nb/borealisd");
    let error = manager.install(unwritable, &mut Steps::default()).await.unwrap_err();
    assert!(error.hint().unwrap().contains("plain name"), "{error}");
}
