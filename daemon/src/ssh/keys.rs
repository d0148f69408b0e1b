//! The user's private key, in any of the formats that the service may hand out.

use std::sync::Arc;

use russh::keys::{self, Algorithm, PrivateKey};
use zeroize::Zeroizing;

use super::error::BadCredentials;
use super::short_scalar;
use crate::secret::Secret;

/// Reads a PEM.
pub(super) fn parse(pem: &Secret<String>) -> Result<Arc<PrivateKey>, BadCredentials> {
    let pem = trimmed(pem.expose());
    let key = keys::decode_secret_key(&pem, None)
        .or_else(|error| short_scalar::parse(&pem).ok_or(error))
        .map_err(why)?;
    let algorithm = key.algorithm();
    if matches!(algorithm, Algorithm::Rsa { .. } | Algorithm::Ecdsa { .. } | Algorithm::Ed25519) {
        Ok(Arc::new(key))
    } else {
        Err(BadCredentials::PrivateKeyType(algorithm.to_string()))
    }
}

/// A trailing blank on the BEGIN line, or the carriage returns of a text that went through
/// Windows, would hide the key from the parser.
fn trimmed(pem: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(pem.len() + 1));
    for line in pem.lines() {
        text.push_str(line.trim());
        text.push('\n');
    }
    text
}

/// russh's own words may quote the text, so they are not passed on.
fn why(error: keys::Error) -> BadCredentials {
    if matches!(error, keys::Error::KeyIsEncrypted) {
        BadCredentials::EncryptedKey
    } else {
        BadCredentials::PrivateKey
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::*;

    /// Runs ssh-keygen or openssl; both come with the OpenSSH client and its libraries.
    fn run(program: &str, args: &[&str], dir: &Path) {
        let status = Command::new(program)
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{program} {args:?}");
    }

    fn generate(dir: &Path, args: &[&str]) -> String {
        let path = dir.join("key");
        let _ = std::fs::remove_file(&path);
        run("ssh-keygen", &[args, &["-q", "-N", "", "-f", "key"]].concat(), dir);
        std::fs::read_to_string(path).unwrap()
    }

    /// Rewrites the key last generated; `PEM` is PKCS#1 for RSA and SEC1 for ECDSA.
    fn converted(dir: &Path, format: &str) -> String {
        run("ssh-keygen", &["-q", "-p", "-N", "", "-m", format, "-f", "key"], dir);
        std::fs::read_to_string(dir.join("key")).unwrap()
    }

    fn assert_parses(pem: &str, dir: &Path, label: &str) {
        assert!(pem.starts_with(label), "{pem}");
        let public = std::fs::read_to_string(dir.join("key.pub")).unwrap();
        let crlf = pem.replace('\n', " \r\n");
        for text in [pem, &crlf, pem.trim_end()] {
            let key = parse(&Secret::new(text.to_owned())).unwrap();
            let ours = key.public_key().to_openssh().unwrap();
            assert!(public.starts_with(ours.trim()), "{ours} {public}");
        }
    }

    #[test]
    fn every_type_in_every_format() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        for (args, pem_label) in [
            (&["-t", "rsa", "-b", "2048"][..], "-----BEGIN RSA PRIVATE KEY"),
            (&["-t", "ecdsa", "-b", "256"], "-----BEGIN EC PRIVATE KEY"),
            (&["-t", "ecdsa", "-b", "384"], "-----BEGIN EC PRIVATE KEY"),
            (&["-t", "ecdsa", "-b", "521"], "-----BEGIN EC PRIVATE KEY"),
        ] {
            assert_parses(&generate(dir, args), dir, "-----BEGIN OPENSSH PRIVATE KEY");
            assert_parses(&converted(dir, "PEM"), dir, pem_label);
            assert_parses(&converted(dir, "PKCS8"), dir, "-----BEGIN PRIVATE KEY");
        }
        assert_parses(&generate(dir, &["-t", "ed25519"]), dir, "-----BEGIN OPENSSH PRIVATE KEY");
    }

    /// ssh-keygen does not write this one, other tools do.
    #[test]
    fn ed25519_in_pkcs8() {
        let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
        let mut pem = Vec::new();
        keys::encode_pkcs8_pem(&key, &mut pem).unwrap();
        let read = parse(&Secret::new(String::from_utf8(pem).unwrap())).unwrap();
        assert_eq!(read.public_key().key_data(), key.public_key().key_data());
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_quoted() {
        for text in ["", "canary", "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END"] {
            let error = parse(&Secret::new(text.to_owned())).unwrap_err();
            assert_eq!(error, BadCredentials::PrivateKey);
            assert!(!format!("{error:?} {error}").contains("canary"));
        }
    }

    #[test]
    fn a_passphrase_is_named_as_the_trouble() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "secret", "-f", "key"], dir);
        let pem = std::fs::read_to_string(dir.join("key")).unwrap();
        assert_eq!(parse(&Secret::new(pem)).unwrap_err(), BadCredentials::EncryptedKey);
    }
}
