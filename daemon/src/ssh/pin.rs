//! The host key as the service announced it: the only server that we talk to. There is no trust
//! on first use, no known_hosts and no certificate authority.

use russh::keys::{Algorithm, HashAlg, PublicKey, PublicKeyOrCertificate};

use super::error::BadCredentials;
use super::text::printable;

/// A parsed pin.
#[derive(Clone, Debug)]
pub(super) struct HostKeyPin {
    key: PublicKey,
    blob: Vec<u8>,
}

impl HostKeyPin {
    /// From `TYPE BASE64`; what follows is a comment.
    pub(super) fn parse(text: &str) -> Result<Self, BadCredentials> {
        let mut words = text.split_ascii_whitespace();
        let (Some(kind), Some(base64)) = (words.next(), words.next()) else {
            return Err(BadCredentials::HostKey);
        };
        // Compares the type in the text with the one in the blob.
        let key = PublicKey::from_openssh(&format!("{kind} {base64}"))
            .map_err(|_malformed| BadCredentials::HostKey)?;
        let blob = key.to_bytes().map_err(|_malformed| BadCredentials::HostKey)?;
        if algorithms(&key).is_none() {
            return Err(BadCredentials::HostKeyType(printable(kind)));
        }
        Ok(Self { key, blob })
    }

    /// What to offer in the key exchange: only what this very key can sign.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        algorithms(&self.key).unwrap_or_default()
    }

    /// Whether the server presents exactly this key. A certificate is another thing, whatever key
    /// is in it.
    pub(super) fn accepts(&self, presented: &PublicKeyOrCertificate) -> bool {
        match presented {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                key.to_bytes().is_ok_and(|blob| blob == self.blob)
            }
            PublicKeyOrCertificate::Certificate(_) => false,
        }
    }

    /// As `ssh-keygen -l` shows it.
    pub(super) fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }
}

/// `SHA256:…` of a public key.
pub(super) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// RSA keys sign with SHA-2 only: `ssh-rsa` is SHA-1.
fn algorithms(key: &PublicKey) -> Option<Vec<Algorithm>> {
    let algorithm = key.algorithm();
    if let Algorithm::Rsa { .. } = algorithm {
        let sha2 = |hash| Algorithm::Rsa { hash: Some(hash) };
        return Some(vec![sha2(HashAlg::Sha512), sha2(HashAlg::Sha256)]);
    }
    let known = matches!(algorithm, Algorithm::Ed25519 | Algorithm::Ecdsa { .. });
    known.then(|| vec![algorithm])
}

#[cfg(test)]
mod tests {
    use russh::keys::ssh_key;

    use super::*;

    const ED25519: &str = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAILagOJFgwaMNhBWQINinKOXmqS4Gh5NgxgriXwdOoINJ";

    fn presented(text: &str) -> PublicKeyOrCertificate {
        PublicKey::from_openssh(text).unwrap().into()
    }

    #[test]
    fn only_that_key_is_accepted() {
        let pin = HostKeyPin::parse(ED25519).unwrap();
        assert!(pin.accepts(&presented(ED25519)));
        assert!(!pin.accepts(&presented(OTHER)));
        assert_eq!(pin.algorithms(), [Algorithm::Ed25519]);
    }

    /// Signed by an authority for the very key that is pinned.
    #[test]
    fn a_certificate_is_no_key() {
        let certificate = include_str!("../../fuzz/pin/certificate");
        assert_eq!(HostKeyPin::parse(certificate).unwrap_err(), BadCredentials::HostKey);
        let certificate = ssh_key::Certificate::from_openssh(certificate.trim()).unwrap();
        let key = PublicKey::from(certificate.public_key().clone());
        let pin = HostKeyPin::parse(&key.to_openssh().unwrap()).unwrap();
        assert!(pin.accepts(&key.into()));
        assert!(!pin.accepts(&PublicKeyOrCertificate::Certificate(certificate)));
    }

    #[test]
    fn the_fingerprint_is_that_of_ssh_keygen() {
        let pin = HostKeyPin::parse(ED25519).unwrap();
        assert_eq!(pin.fingerprint(), "SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE");
    }

    #[test]
    fn blanks_and_a_comment_do_no_harm() {
        for text in [format!(" {ED25519}\n"), format!("{ED25519} root@host")] {
            assert_eq!(
                HostKeyPin::parse(&text).unwrap().blob,
                HostKeyPin::parse(ED25519).unwrap().blob
            );
        }
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        let blob = ED25519.split(' ').nth(1).unwrap();
        for text in [
            String::new(),
            "ssh-ed25519".to_owned(),
            blob.to_owned(),
            format!("ssh-rsa {blob}"),
            format!("ssh-ed25519 {}", &blob[..blob.len() - 8]),
            format!("ssh-ed25519 {blob}AAAA"),
            "ssh-ed25519 !!!".to_owned(),
        ] {
            assert_eq!(HostKeyPin::parse(&text).unwrap_err(), BadCredentials::HostKey, "{text}");
        }
    }
}
