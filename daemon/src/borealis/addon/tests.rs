use axum::Router;
use borealis_proto::ErrorCode;

use super::*;
use crate::http::client;
use crate::http::test_server::{reply, serve};

const ADDON: &str = "borealis-pg-hex-12345";

fn token() -> Secret<String> {
    Secret::new("canary-token".to_owned())
}

/// A client of a service that always gives one answer.
async fn answering(status: u16, body: &'static str) -> (Borealis, impl Sized) {
    let router = Router::new().fallback(async move || reply(status, &[], body));
    let (base, server) = serve(router).await;
    (Borealis::new(client(&[&base]).unwrap(), base), server)
}

/// Each call that has a meaning of its own for some status.
async fn refusal(call: &str, borealis: &Borealis) -> Error {
    let token = token();
    let wish = RegisterIntegration {
        integration_name: "bi".to_owned(),
        ssh_public_key: "ssh-ed25519 AAAA".to_owned(),
        enable_write_access: false,
    };
    match call {
        "install" => borealis.install_extension(ADDON, &token, "hstore").await.unwrap_err(),
        "uninstall" => borealis.remove_extension(ADDON, &token, "hstore").await.unwrap_err(),
        "reset" => borealis.reset_credentials(ADDON, &token).await.unwrap_err(),
        "register" => borealis.register_integration(ADDON, &token, &wish).await.unwrap_err(),
        "deregister" => borealis.remove_integration(ADDON, &token, "bi").await.unwrap_err(),
        "restore" => borealis.restore_token(ADDON, &token).await.unwrap_err(),
        "upgrade" => borealis.start_upgrade(ADDON, &token).await.unwrap_err(),
        "cancel" => borealis.cancel_upgrade(ADDON, &token).await.unwrap_err(),
        other => unreachable!("{other}"),
    }
}

#[tokio::test]
async fn each_refusal_of_each_call_has_its_text_and_code() {
    use ErrorCode as E;
    let plain = r#"{"reason":"because"}"#;
    let addon = r#"{"reason":"because","resourceType":"addon"}"#;
    let extension = r#"{"reason":"because","resourceType":"extension"}"#;
    let needs = r#"{"reason":"because","dependencies":["cube","btree_gist"]}"#;
    let table = [
        ("install", 400, needs, E::Refused, "needs cube, btree_gist"),
        ("install", 400, plain, E::Refused, "is not supported"),
        ("install", 409, plain, E::AlreadyExists, "is installed already"),
        ("install", 404, plain, E::TargetNotFound, "is not a Borealis"),
        ("uninstall", 400, plain, E::Refused, "is needed by others"),
        ("uninstall", 404, addon, E::TargetNotFound, "is not a Borealis"),
        ("uninstall", 404, extension, E::NoSuchPart, "is not installed"),
        ("reset", 400, plain, E::Maintenance, "is under maintenance"),
        ("reset", 403, plain, E::AccessRevoked, "write access to add-on"),
        ("register", 400, plain, E::Refused, "cannot be registered"),
        ("register", 403, plain, E::AccessRevoked, "write access to add-on"),
        ("register", 409, plain, E::AlreadyExists, "has a data integration bi already"),
        ("deregister", 404, plain, E::NoSuchPart, "has no data integration bi"),
        ("deregister", 404, addon, E::TargetNotFound, "is not a Borealis"),
        ("restore", 400, plain, E::Refused, "cannot be restored"),
        ("upgrade", 400, plain, E::Refused, "cannot be upgraded"),
        ("upgrade", 403, plain, E::AccessRevoked, "while access to it is revoked"),
        ("upgrade", 409, plain, E::Maintenance, "is under maintenance"),
        ("cancel", 400, plain, E::NoSuchPart, "no upgrade"),
        ("cancel", 423, plain, E::Upgrading, "is running"),
    ];
    for (call, status, body, code, said) in table {
        let (borealis, _server) = answering(status, body).await;
        let reason = refusal(call, &borealis).await.failure().reason;
        assert_eq!(reason.code, code, "{call} {status}: {reason:?}");
        for part in [said, ADDON, "because"] {
            assert!(reason.message.contains(part), "{call} {status}: {reason:?}");
        }
        assert!(reason.hint.is_some(), "{call} {status}");
    }
}

#[tokio::test]
async fn what_an_add_on_does_not_have_may_be_left_out() {
    let body = r#"{"addonName":"a","createdAt":"2026-11-22T09:14:03Z","dbStorageMaxBytes":2,
        "dbStorageUsageBytes":1,"dbTenancyType":"isolated","planName":"p","postgresVersion":"15.4",
        "region":"us-east-1","replicaQuantity":0,"status":"available",
        "storageComplianceStatus":"ok","new":1}"#;
    let (borealis, _server) = answering(200, body).await;
    let info = borealis.info(ADDON, &token()).await.unwrap();
    assert_eq!((info.app_db_name, info.restore_source_addon_name), (None, None));

    let body = r#"{"dbHost":"h","dbName":"d","dbUsername":"u","dbPassword":"canary","sshHost":"s",
        "sshUsername":"v","publicSshHostKey":"ssh-ed25519 AAAA"}"#;
    let (borealis, _server) = answering(201, body).await;
    let wish = RegisterIntegration {
        integration_name: "bi".to_owned(),
        ssh_public_key: "ssh-ed25519 AAAA".to_owned(),
        enable_write_access: true,
    };
    let login = borealis.register_integration(ADDON, &token(), &wish).await.unwrap();
    assert_eq!((login.db_port, login.ssh_port), (5432, 22));
    assert!(!format!("{login:?}").contains("canary"));
}
