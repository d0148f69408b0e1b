//! Pins and keys that the service should never have handed out.

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};

use super::error::BadCredentials;
use super::pin::HostKeyPin;
use super::{keys, text};
use crate::fuzz::assert_fit_for_people;
use crate::secret::Secret;

#[test]
fn fuzz_pin() {
    crate::fuzz::check("pin", |bytes| {
        let said = String::from_utf8_lossy(bytes);
        match HostKeyPin::parse(&said) {
            Ok(pin) => {
                let offered = pin.algorithms();
                assert!(!offered.is_empty());
                for algorithm in offered {
                    assert!(!matches!(algorithm, Algorithm::Dsa | Algorithm::Rsa { hash: None }));
                }
                assert!(pin.fingerprint().starts_with("SHA256:"));
                let mut words = said.split_ascii_whitespace();
                let plain = format!("{} {}", words.next().unwrap(), words.next().unwrap());
                let again = HostKeyPin::parse(&plain).unwrap();
                assert_eq!(again.fingerprint(), pin.fingerprint());
            }
            Err(error) => assert_fit_for_people(&error.to_string()),
        }
    });
}

fn assert_reads_or_says_why(pem: &str) {
    let error = match keys::parse(&Secret::new(pem.to_owned())) {
        Ok(key) => return assert_is_a_key(&key),
        Err(error) => error,
    };
    match error {
        BadCredentials::EncryptedKey | BadCredentials::PrivateKey => {}
        BadCredentials::PrivateKeyType(kind) => assert_fit_for_people(&kind),
        BadCredentials::HostKey | BadCredentials::HostKeyType(_) => panic!("{error}"),
    }
}

/// Written again, it reads the same.
fn assert_is_a_key(key: &PrivateKey) {
    assert!(!key.is_encrypted());
    if let Ok(pem) = key.to_openssh(LineEnding::LF) {
        let again = keys::parse(&Secret::new(pem.to_string())).unwrap();
        assert_eq!(again.public_key().key_data(), key.public_key().key_data());
    }
}

#[test]
fn fuzz_key() {
    crate::fuzz::check("key", |bytes| assert_reads_or_says_why(&String::from_utf8_lossy(bytes)));
}

/// The same below the armour, where changed text would only break the base64.
#[test]
fn fuzz_key_blob() {
    const LABELS: [&str; 5] = ["OPENSSH ", "", "RSA ", "EC ", "ENCRYPTED "];
    crate::fuzz::check("key_blob", |bytes| {
        let Some((label, blob)) = bytes.split_first() else { return };
        let label = LABELS[usize::from(*label) % LABELS.len()];
        let base64 = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, blob);
        let mut pem = format!("-----BEGIN {label}PRIVATE KEY-----\n");
        for line in base64.as_bytes().chunks(70) {
            pem.push_str(str::from_utf8(line).unwrap());
            pem.push('\n');
        }
        pem.push_str(&format!("-----END {label}PRIVATE KEY-----\n"));
        assert_reads_or_says_why(&pem);
    });
}

/// Whatever a server says, a terminal gets nothing to obey.
#[test]
fn fuzz_text() {
    crate::fuzz::check("text", |bytes| {
        let shown = text::printable(&String::from_utf8_lossy(bytes));
        assert_fit_for_people(&shown);
    });
}
