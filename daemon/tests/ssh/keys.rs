//! Every key that the service may hand out, on either side.

use std::process::Command;

use borealisd::ssh::SshConnector;
use borealisd::tasks::Tasks;
use borealisd::tunnel::Connector;
use tokio_util::task::TaskTracker;

use crate::bench::*;
use crate::support::run;
use crate::support::sshd::{Sshd, UserKey};

#[tokio::test]
async fn every_key_that_the_service_may_hand_out_logs_in() {
    let bench = Bench::new().await;
    let formats = |key: &UserKey, formats: &[&str]| {
        let mut texts = vec![key.private()];
        for format in formats {
            key.convert(format);
            texts.push(key.private());
        }
        texts
    };
    let bits: [&[&str]; 5] = [
        &["-t", "rsa", "-b", "2048"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "ed25519"],
    ];
    for args in bits {
        let key = bench.sshd.new_user_key(args);
        let others: &[&str] = if args.contains(&"ed25519") { &[] } else { &["PEM", "PKCS8"] };
        for text in formats(&key, others) {
            let label = text.lines().next().unwrap().to_owned();
            let credentials = bench.sshd.credentials_with(text, bench.sshd.host_key());
            let link = bench.connect_with(credentials).await;
            link.unwrap_or_else(|error| panic!("{args:?} {label}: {error}")).close().await;
        }
    }
}

#[tokio::test]
async fn ed25519_in_pkcs8_logs_in() {
    let bench = Bench::new().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.pem");
    run(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&path));
    let pem = std::fs::read_to_string(&path).unwrap();
    let public = russh::keys::decode_secret_key(&pem, None).unwrap().public_key().clone();
    bench.sshd.authorize(&public.to_openssh().unwrap());
    let credentials = bench.sshd.credentials_with(pem, bench.sshd.host_key());
    bench.connect_with(credentials).await.unwrap().close().await;
}

#[tokio::test]
async fn every_type_of_host_key_is_pinned() {
    for host_key_type in ["rsa", "ecdsa", "ed25519"] {
        let sshd = Sshd::start(host_key_type).await;
        let key = sshd.new_user_key(&["-t", "ed25519"]);
        let connector = SshConnector::new(Tasks::new(&TaskTracker::new()));
        let link = connector.connect(sshd.credentials(&key)).await;
        link.unwrap_or_else(|error| panic!("{host_key_type}: {error}")).close().await;
    }
}
