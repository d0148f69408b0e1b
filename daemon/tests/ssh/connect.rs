//! From credentials to a link, and why there is none.

use std::net::Ipv4Addr;
use std::sync::Arc;

use borealisd::tunnel::{ConnectError, Connector};
use russh::keys::{Algorithm, PrivateKey};
use russh::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::bench::*;
use crate::support::free_port;
use crate::support::sshd::Sshd;

#[tokio::test]
async fn another_host_key_is_turned_away_before_anything_is_sent() {
    for other_type in ["ed25519", "ecdsa"] {
        let mut bench = Bench::new().await;
        let announced = Sshd::start(other_type).await.host_key();
        let credentials = bench.sshd.credentials_with(bench.key.private(), announced);

        let error = bench.connect_with(credentials).await.err().unwrap();

        let ConnectError::HostKeyChanged { pinned, presented, .. } = error else {
            panic!("{error}")
        };
        assert_ne!(pinned, presented);
        assert!(pinned.starts_with("SHA256:"), "{pinned}");
        let shown = presented.starts_with("SHA256:") || presented.contains("ssh-ed25519");
        assert!(shown, "{presented}");
        bench.sshd.logged("do_cleanup").await;
        let log = bench.sshd.log();
        assert!(!log.contains("userauth-request"), "{log}");
        // A login would have been seen.
        bench.connect().await;
        bench.sshd.logged("userauth-request").await;
    }
}

#[tokio::test]
async fn a_revoked_key_is_a_refused_key() {
    let bench = Bench::new().await;
    bench.sshd.authorize("");
    let error = bench.connect_with(bench.sshd.credentials(&bench.key)).await.err().unwrap();
    assert!(matches!(error, ConnectError::KeyRefused { .. }), "{error}");
}

/// A server that loses its connection while it looks at a key.
struct HangsUp;

impl server::Handler for HangsUp {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        _offer: server::PublicKeyOffer<'_>,
    ) -> Result<server::Auth, russh::Error> {
        Err(russh::Error::Disconnect)
    }
}

#[tokio::test]
async fn a_connection_that_drops_is_no_refused_key() {
    let bench = Bench::new().await;
    let tracker = TaskTracker::new();
    let host_key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
    let announced = host_key.public_key().to_openssh().unwrap();
    let config = server::Config { keys: vec![host_key], ..server::Config::default() };
    let config = Arc::new(config);
    let port = listener(&tracker, move |stream| {
        let config = Arc::clone(&config);
        async move {
            let session = server::run_stream(config, stream, HangsUp).await.unwrap();
            assert!(session.await.is_err());
        }
    })
    .await;
    let mut credentials = bench.sshd.credentials_with(bench.key.private(), announced);
    Arc::get_mut(&mut credentials).unwrap().port = port;

    let error = bench.connect_with(credentials).await.err().unwrap();

    assert!(matches!(error, ConnectError::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let bench = Bench::new().await;
    let mut credentials = bench.sshd.credentials(&bench.key);
    Arc::get_mut(&mut credentials).unwrap().port = free_port();
    let error = bench.connect_with(credentials).await.err().unwrap();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_dropped_attempt_closes_its_connection() {
    let bench = Bench::new().await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut credentials = bench.sshd.credentials(&bench.key);
    Arc::get_mut(&mut credentials).unwrap().port = listener.local_addr().unwrap().port();
    let mut attempt = bench.connector.connect(credentials);

    // A server that greets and then says nothing: the key exchange is under way.
    let (mut peer, _) = tokio::select! {
        accepted = listener.accept() => accepted.unwrap(),
        _ = &mut attempt => panic!("connected to nothing"),
    };
    peer.write_all(b"SSH-2.0-silent\r\n").await.unwrap();
    let mut greeting = [0; 1024];
    let mut seen = 0;
    while !greeting[..seen].contains(&20) {
        seen += tokio::select! {
            read = peer.read(&mut greeting[seen..]) => read.unwrap(),
            _ = &mut attempt => panic!("connected to nothing"),
        };
    }
    drop(attempt);

    let mut rest = Vec::new();
    timeout(PROMPT, peer.read_to_end(&mut rest)).await.unwrap().unwrap();
}
