//! The client is light because of what it does not carry: SSH and HTTPS are the daemon's.

use std::process::Command;

#[test]
fn neither_ssh_nor_https_is_linked() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "borealis-client", "--edges", "normal", "--prefix", "none"])
        .args(["--offline", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains(&"borealis-proto") && crates.contains(&"hyper"), "{tree}");
    for heavy in ["russh", "reqwest", "rustls", "aws-lc-rs", "axum", "h2"] {
        assert!(!crates.contains(&heavy), "{heavy} is linked into the client");
    }
}
