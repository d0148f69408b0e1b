//! SSH keys in every format the service may hand out, made by `ssh-keygen`, so that what a client
//! has to read was not written by the library that reads it.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use tokio::process::Command;

use crate::find::Programs;
use crate::secrets::hex;

/// Type and encoding of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum KeyFormat {
    /// Ed25519, `OPENSSH PRIVATE KEY`.
    #[default]
    Ed25519OpenSsh,
    /// Ed25519, PKCS#8 `PRIVATE KEY`.
    Ed25519Pkcs8,
    /// RSA 2048, PKCS#1 `RSA PRIVATE KEY`.
    RsaPkcs1,
    /// RSA 2048, PKCS#8 `PRIVATE KEY`.
    RsaPkcs8,
    /// RSA 2048, `OPENSSH PRIVATE KEY`.
    RsaOpenSsh,
    /// ECDSA P-256, SEC1 `EC PRIVATE KEY`.
    EcdsaSec1,
    /// ECDSA P-256, PKCS#8 `PRIVATE KEY`.
    EcdsaPkcs8,
    /// ECDSA P-256, `OPENSSH PRIVATE KEY`.
    EcdsaOpenSsh,
}

/// Type of sshd's host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum HostKeyType {
    /// `ssh-ed25519`
    #[default]
    Ed25519,
    /// `ssh-rsa`, 2048 bits
    Rsa,
    /// `ecdsa-sha2-nistp256`
    Ecdsa,
}

/// A key pair could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or process of ssh-keygen failed.
    #[error("cannot run ssh-keygen")]
    Io(#[from] std::io::Error),
    /// ssh-keygen refused.
    #[error("ssh-keygen failed: {0}")]
    Refused(String),
    /// The one format that ssh-keygen does not write.
    #[error("cannot make a PKCS#8 key")]
    Pkcs8(#[from] rcgen::Error),
}

/// A key pair, as text.
#[derive(Clone)]
pub(crate) struct KeyPair {
    /// PEM.
    pub(crate) private: String,
    /// `TYPE BASE64`.
    pub(crate) public: String,
    /// `SHA256:…`, as sshd writes it into its log.
    pub(crate) fingerprint: String,
}

/// Makes key pairs; owns the directory they pass through.
#[derive(Debug, Clone)]
pub(crate) struct KeyMaker {
    ssh_keygen: PathBuf,
    scratch: PathBuf,
}

impl KeyFormat {
    /// `ssh-keygen`'s `-t` and `-m`.
    fn arguments(self) -> (&'static str, &'static str) {
        match self {
            Self::Ed25519OpenSsh | Self::Ed25519Pkcs8 => ("ed25519", "RFC4716"),
            Self::RsaPkcs1 => ("rsa", "PEM"),
            Self::RsaPkcs8 => ("rsa", "PKCS8"),
            Self::RsaOpenSsh => ("rsa", "RFC4716"),
            Self::EcdsaSec1 => ("ecdsa", "PEM"),
            Self::EcdsaPkcs8 => ("ecdsa", "PKCS8"),
            Self::EcdsaOpenSsh => ("ecdsa", "RFC4716"),
        }
    }
}

impl HostKeyType {
    pub(crate) fn format(self) -> KeyFormat {
        match self {
            Self::Ed25519 => KeyFormat::Ed25519OpenSsh,
            Self::Rsa => KeyFormat::RsaOpenSsh,
            Self::Ecdsa => KeyFormat::EcdsaOpenSsh,
        }
    }
}

impl KeyMaker {
    /// `scratch` exists and is closed to others.
    pub(crate) fn new(programs: &Programs, scratch: &Path) -> Self {
        Self { ssh_keygen: programs.ssh_keygen.clone(), scratch: scratch.to_owned() }
    }

    pub(crate) async fn make(&self, format: KeyFormat) -> Result<KeyPair, Error> {
        if format == KeyFormat::Ed25519Pkcs8 {
            return self.make_ed25519_pkcs8().await;
        }
        let path = self.scratch.join(hex(16));
        let (kind, encoding) = format.arguments();
        let mut command = Command::new(&self.ssh_keygen);
        command.args(["-q", "-t", kind, "-m", encoding, "-N", "", "-C", "sandbox"]);
        if kind == "rsa" {
            // Half the strength of the default, a tenth of the time to make one.
            command.args(["-b", "2048"]);
        }
        run(command.arg("-f").arg(&path)).await?;
        let private = tokio::fs::read_to_string(&path).await?;
        let public_path = path.with_extension("pub");
        let public = tokio::fs::read_to_string(&public_path).await?;
        let fingerprint = self.fingerprint(&public_path).await?;
        tokio::fs::remove_file(&path).await?;
        tokio::fs::remove_file(&public_path).await?;
        Ok(KeyPair { private, public: without_comment(&public), fingerprint })
    }

    async fn make_ed25519_pkcs8(&self) -> Result<KeyPair, Error> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        let private = ed25519_pkcs8(pair.serialized_der())
            .ok_or_else(|| Error::Refused("an Ed25519 key of an unknown shape".to_owned()))?;
        let public = ed25519_public(pair.public_key_raw());
        let path = self.scratch.join(hex(16));
        tokio::fs::write(&path, &public).await?;
        let fingerprint = self.fingerprint(&path).await?;
        tokio::fs::remove_file(&path).await?;
        Ok(KeyPair { private, public, fingerprint })
    }

    async fn fingerprint(&self, public: &Path) -> Result<String, Error> {
        let line = run(Command::new(&self.ssh_keygen).args(["-l", "-f"]).arg(public)).await?;
        line.split_whitespace()
            .find(|word| word.starts_with("SHA256:"))
            .map(str::to_owned)
            .ok_or(Error::Refused(line))
    }
}

/// RFC 5958's version 2 carries the public key as well, and few can read that. This makes version 1
/// of it, as `openssl genpkey` writes it: the same up to the 32 bytes of the seed, and no more.
fn ed25519_pkcs8(version_2: &[u8]) -> Option<String> {
    const VERSION_1: [u8; 16] =
        [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let seed = version_2.get(VERSION_1.len()..VERSION_1.len() + 32)?;
    let body = STANDARD.encode([&VERSION_1, seed].concat());
    Some(format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"))
}

/// The public half in the SSH wire format of RFC 8709.
fn ed25519_public(raw: &[u8]) -> String {
    const TYPE: &str = "ssh-ed25519";
    let mut blob = Vec::new();
    for part in [TYPE.as_bytes(), raw] {
        let length = u32::try_from(part.len()).unwrap_or_default();
        blob.extend_from_slice(&length.to_be_bytes());
        blob.extend_from_slice(part);
    }
    format!("{TYPE} {}", STANDARD.encode(blob))
}

/// `TYPE BASE64` of a public key's line.
pub(crate) fn without_comment(line: &str) -> String {
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

async fn run(command: &mut Command) -> Result<String, Error> {
    let output = command.output().await?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Error::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_format_has_its_pem_label_and_public_type() {
        let table = [
            (KeyFormat::Ed25519OpenSsh, "OPENSSH PRIVATE KEY", "ssh-ed25519 "),
            (KeyFormat::Ed25519Pkcs8, "PRIVATE KEY", "ssh-ed25519 "),
            (KeyFormat::RsaPkcs1, "RSA PRIVATE KEY", "ssh-rsa "),
            (KeyFormat::RsaPkcs8, "PRIVATE KEY", "ssh-rsa "),
            (KeyFormat::RsaOpenSsh, "OPENSSH PRIVATE KEY", "ssh-rsa "),
            (KeyFormat::EcdsaSec1, "EC PRIVATE KEY", "ecdsa-sha2-nistp256 "),
            (KeyFormat::EcdsaPkcs8, "PRIVATE KEY", "ecdsa-sha2-nistp256 "),
            (KeyFormat::EcdsaOpenSsh, "OPENSSH PRIVATE KEY", "ecdsa-sha2-nistp256 "),
        ];
        let scratch = tempfile::tempdir().unwrap();
        let maker = KeyMaker::new(&Programs::find().unwrap(), scratch.path());
        for (format, label, kind) in table {
            let pair = maker.make(format).await.unwrap();
            assert!(pair.private.starts_with(&format!("-----BEGIN {label}-----")), "{format:?}");
            assert!(pair.public.starts_with(kind), "{format:?}: {}", pair.public);
            let read = russh::keys::decode_secret_key(&pair.private, None).unwrap();
            assert_eq!(without_comment(&read.public_key().to_openssh().unwrap()), pair.public);
            assert!(pair.fingerprint.starts_with("SHA256:"), "{format:?}");
        }
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "files left behind");
    }
}
