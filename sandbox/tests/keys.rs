//! All keys that the service may hand out, against a real OpenSSH server.

mod support;

use borealis_proto::SessionState;
use borealis_sandbox::{HostKeyType, KeyFormat, Options};
use support::World;

#[tokio::test]
async fn all_user_keys_authenticate() {
    for key in [
        KeyFormat::Ed25519OpenSsh,
        KeyFormat::Ed25519Pkcs8,
        KeyFormat::RsaOpenSsh,
        KeyFormat::RsaPkcs1,
        KeyFormat::RsaPkcs8,
        KeyFormat::EcdsaOpenSsh,
        KeyFormat::EcdsaSec1,
        KeyFormat::EcdsaPkcs8,
    ] {
        let world = World::with(Options { key, ..Options::default() }).await;
        let session = world.up(&["sushi/DATABASE"]).await;
        assert_eq!(session.state, SessionState::Up, "{key:?}");
        assert_eq!(world.psql(&session, "select 1").await.ok(), "1", "{key:?}");
        world.stop().await;
    }
}

#[tokio::test]
async fn all_host_keys_can_be_pinned() {
    for host_key in [HostKeyType::Ed25519, HostKeyType::Rsa, HostKeyType::Ecdsa] {
        let world = World::with(Options { host_key, ..Options::default() }).await;
        assert_eq!(world.up(&["sushi/DATABASE"]).await.state, SessionState::Up, "{host_key:?}");
        world.stop().await;
    }
}
