//! A network and a mount table of a test's own, in which packets can be dropped and names can lie.
//!
//! The test's program runs itself again inside, so that sandbox, daemon and client are all there.

use std::process::Stdio;

use super::{Said, run};
use tokio::process::Command;

const INSIDE: &str = "BOREALIS_TEST_ALONE";

/// Whether the test goes on here. Outside it has been run inside by then, and has passed; or it
/// could not be, and that was said.
#[expect(clippy::print_stderr, reason = "a test that could not do its work says so")]
pub async fn is_alone(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        // Packets as they are on a wire: loopback's own are as large as a window.
        sh("ip link set lo mtu 1500 gso_max_segs 1 up").await;
        return true;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("not root: there is no network to change");
        return false;
    }
    let mut again = Command::new("unshare");
    again.args(["--net", "--mount", "--"]).arg(std::env::current_exe().unwrap());
    again.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").kill_on_drop(true);
    assert!(again.status().await.unwrap().success(), "inside a network of its own");
    false
}

/// Drops these packets: an expression of nft, for each direction of a port, and of an address.
pub async fn drop_packets(port: u16, which: &str) {
    good_weather().await;
    sh(&format!(
        "nft -f - <<END\n\
         table inet weather {{ chain input {{ type filter hook input priority 0;\n\
         tcp dport {port} {which} drop\n\
         tcp sport {port} {which} drop\n\
         }}\n}}\nEND"
    ))
    .await;
}

/// So many of a hundred packets to and from a port are lost, all of them with 100.
pub async fn lose(port: u16, percent: u8) {
    let some = format!("numgen random mod 100 < {percent}");
    drop_packets(port, if percent < 100 { &some } else { "" }).await;
}

/// Nothing is dropped any more.
pub async fn good_weather() {
    sh("nft flush ruleset").await;
}

/// What names mean from now on: lines of `/etc/hosts`.
pub async fn names(world: &super::World, lines: &str) {
    let file = world.sandbox.dir().join("hosts");
    let first = !file.exists();
    std::fs::write(&file, format!("127.0.0.1 localhost\n{lines}\n")).unwrap();
    if first {
        sh(&format!("mount --bind {} /etc/hosts", file.display())).await;
    }
}

/// A shell's own words.
pub async fn sh(script: &str) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-euc", script]).stdin(Stdio::null());
    let said: Said = run(shell).await;
    assert_eq!(said.code, Some(0), "{script}: {}", said.err);
    said.out
}
