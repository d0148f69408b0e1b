//! What a hostile SSH server says before anything is encrypted, and what reaches people of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use std::net::Ipv4Addr;
use std::sync::Arc;

use borealisd::credentials::{Generation, SshCredentials};
use borealisd::secret::Secret;
use borealisd::ssh::SshConnector;
use borealisd::tasks::Tasks;
use borealisd::tunnel::{ConnectError, Connector};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};
use support::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// Clears the screen, sets the title, turns the direction of writing, ends the line.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}txt\r\nborealisd: all is well\u{9b}31m";

const DISCONNECT: u8 = 1;
const KEXINIT: u8 = 20;

fn key() -> PrivateKey {
    PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap()
}

fn credentials(port: u16) -> Arc<SshCredentials> {
    Arc::new(SshCredentials {
        host: "127.0.0.1".to_owned(),
        port,
        user: "u".to_owned(),
        private_key: Secret::new(key().to_openssh(LineEnding::LF).unwrap().to_string()),
        host_key: key().public_key().to_openssh().unwrap(),
        generation: Generation(1),
    })
}

/// By RFC 4253, 6: nothing is encrypted yet.
fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 16 - (payload.len() + 5) % 8;
    let length = u32::try_from(payload.len() + padding + 1).unwrap();
    let head = [&length.to_be_bytes()[..], &[u8::try_from(padding).unwrap()]].concat();
    [&head, payload, &vec![0; padding]].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

/// What it offers: key exchange, host key, ciphers.
fn kexinit(kex: &str, host_key: &str, cipher: &str) -> Vec<u8> {
    let mut payload = vec![KEXINIT];
    payload.extend([0; 16]);
    for list in
        [kex, host_key, cipher, cipher, "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""]
    {
        payload.extend(text(list));
    }
    payload.extend([0; 5]);
    packet(&payload)
}

/// Connects to a server that says this, waits to be left, and hangs up.
async fn connect(said: Vec<u8>) -> ConnectError {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        // The client may be gone before all is said.
        let _ = stream.write_all(&said).await;
        let _ = stream.shutdown().await;
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
    };
    let tracker = TaskTracker::new();
    let connector = SshConnector::new(Tasks::new(&tracker));
    let both = async { tokio::join!(connector.connect(credentials(port)), server).0 };
    let error = timeout(PATIENCE, both).await.unwrap().err().unwrap();
    tracker.close();
    timeout(PATIENCE, tracker.wait()).await.unwrap();
    error
}

fn assert_fit(error: &ConnectError) {
    let shown = error.to_string();
    assert!(shown.chars().count() < 600, "{} characters", shown.chars().count());
    let obeyed = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
    assert!(!shown.contains(obeyed), "{}", shown.escape_debug());
}

fn greeting() -> Vec<u8> {
    b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()
}

#[tokio::test]
async fn a_goodbye_full_of_escapes_is_escaped_and_cut() {
    for reason in [HOSTILE.to_owned(), HOSTILE.repeat(500)] {
        let payload = [vec![DISCONNECT, 0, 0, 0, 2], text(&reason), text("")].concat();
        let error = connect([greeting(), packet(&payload)].concat()).await;
        assert_fit(&error);
        assert!(!matches!(error, ConnectError::KeyRefused { .. }), "{error}");
    }
}

#[tokio::test]
async fn names_of_algorithms_are_escaped_and_cut() {
    for list in [HOSTILE.to_owned(), format!("{HOSTILE},").repeat(500)] {
        let error =
            connect([greeting(), kexinit("curve25519-sha256", &list, "aes128-ctr")].concat()).await;
        assert_fit(&error);
    }
}

/// Only the pinned key's type is taken, whatever else the server has.
#[tokio::test]
async fn another_type_of_key_is_a_changed_key() {
    for kind in
        ["ssh-rsa", "rsa-sha2-512", "ecdsa-sha2-nistp256", "ssh-ed25519-cert-v01@openssh.com"]
    {
        let said =
            [greeting(), kexinit("curve25519-sha256", kind, "aes128-gcm@openssh.com")].concat();
        let error = connect(said).await;
        assert!(matches!(error, ConnectError::HostKeyChanged { .. }), "{kind}: {error}");
    }
}

#[tokio::test]
async fn nothing_goes_unencrypted() {
    for (kex, cipher) in [("none", "aes128-gcm@openssh.com"), ("curve25519-sha256", "none")] {
        let error = connect([greeting(), kexinit(kex, "ssh-ed25519", cipher)].concat()).await;
        assert!(matches!(error, ConnectError::Protocol { .. }), "{kex}, {cipher}: {error}");
        assert_fit(&error);
    }
}

#[tokio::test]
async fn lines_before_the_greeting_reach_nobody() {
    let lines = format!("{}\r\n", HOSTILE.replace("\r\n", " "));
    let error = connect([lines.into_bytes(), greeting()].concat()).await;
    assert_fit(&error);
    assert!(!error.to_string().contains("owned"), "{error}");
}
