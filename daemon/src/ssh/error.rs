//! What can be wrong with SSH credentials before anything is sent.

/// No variant holds any part of a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadCredentials {
    /// Not `TYPE BASE64`, or the two do not agree.
    #[error("the host key is not of the form TYPE BASE64")]
    HostKey,
    /// A type that we do not speak, or do not trust.
    #[error("host keys of type {0} are not supported")]
    HostKeyType(String),
    /// Encrypted with a passphrase that nobody told us.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// Damaged, or of another format.
    #[error("the private key is not a readable OpenSSH, PKCS#1, PKCS#8 or SEC1 key")]
    PrivateKey,
    /// Readable, but not RSA, ECDSA or Ed25519.
    #[error("private keys of type {0} are not supported")]
    PrivateKeyType(String),
}
