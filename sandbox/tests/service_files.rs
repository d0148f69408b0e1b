//! The files for systemd and launchd are real ones.

mod support;

use std::path::{Path, PathBuf};

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
