//! P-256 keys in OpenSSH's format whose secret number happens to be small.
//!
//! OpenSSH writes that number without leading zeros. `ssh-key` 0.7 refuses fewer than 32 bytes of
//! it, so one P-256 key in 256 cannot be read (P-384 and P-521 are not affected: what they lack is
//! filled up). The service may hand out such a key at any time, and asking for another may bring
//! the same. To be removed once `ssh-key` fills up all of them; the test says when.

use russh::keys::PrivateKey;
use russh::keys::ssh_encoding::{Base64Reader, Decode, Error, Reader};
use russh::keys::ssh_key;
use ssh_key::private::{EcdsaKeypair, EcdsaPrivateKey, KeypairData};
use ssh_key::public::EcdsaPublicKey;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
const KEY_TYPE: &str = "ecdsa-sha2-nistp256";
/// Bytes of a P-256 scalar.
const SCALAR: usize = 32;

/// The key, if it is one of these. Expects lines without blanks around them.
pub(super) fn parse(pem: &str) -> Option<PrivateKey> {
    let body: Zeroizing<String> =
        pem.lines().skip_while(|line| *line != BEGIN).skip(1).take_while(|line| *line != END).fold(
            Zeroizing::new(String::with_capacity(pem.len())),
            |mut body, line| {
                body.push_str(line);
                body
            },
        );
    let pair = pair(&mut Base64Reader::new(body.as_bytes()).ok()?).ok()?;
    PrivateKey::new(KeypairData::Ecdsa(pair), "").ok()
}

/// By OpenSSH's `PROTOCOL.key`, for one key without a passphrase.
fn pair(reader: &mut impl Reader) -> Result<EcdsaKeypair, ssh_key::Error> {
    let mut magic = [0; MAGIC.len()];
    reader.read(&mut magic)?;
    let (cipher, kdf) = (String::decode(reader)?, String::decode(reader)?);
    reader.drain_prefixed()?; // options of the kdf
    let count = u32::decode(reader)?;
    if magic != MAGIC || cipher != "none" || kdf != "none" || count != 1 {
        return Err(ssh_key::Error::FormatEncoding);
    }
    reader.drain_prefixed()?; // the public key, once more below
    let _length = u32::decode(reader)?;
    let (check, again) = (u32::decode(reader)?, u32::decode(reader)?);
    if check != again || String::decode(reader)? != KEY_TYPE {
        return Err(ssh_key::Error::FormatEncoding);
    }
    reader.drain_prefixed()?; // the curve's name, told by the type
    let point = Vec::<u8>::decode(reader)?;
    let scalar = Zeroizing::new(Vec::<u8>::decode(reader)?);
    match EcdsaPublicKey::from_sec1_bytes(&point)? {
        EcdsaPublicKey::NistP256(public) => {
            Ok(EcdsaKeypair::NistP256 { public, private: filled_up(&scalar)? })
        }
        EcdsaPublicKey::NistP384(_) | EcdsaPublicKey::NistP521(_) => {
            Err(ssh_key::Error::FormatEncoding)
        }
    }
}

/// Short ones only: all others are the library's business.
fn filled_up(scalar: &[u8]) -> Result<EcdsaPrivateKey<SCALAR>, ssh_key::Error> {
    if scalar.is_empty() || scalar.len() >= SCALAR {
        return Err(Error::Length.into());
    }
    let mut bytes = Zeroizing::new([0; SCALAR]);
    bytes.iter_mut().rev().zip(scalar.iter().rev()).for_each(|(to, from)| *to = *from);
    Ok(EcdsaPrivateKey::from(*bytes))
}

#[cfg(test)]
mod tests {
    use russh::keys::decode_secret_key;

    use super::*;

    /// Made for this test by ssh-keygen, and used nowhere else.
    const SHORT: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS
1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQRXgRvR8o3HEEFK96N8wUb7soNJkyM0
y6btl5SoOSjkiYV+utDODGNDx6EBhOZrexnV/6P1DHUcgIGZgtRd3QPhAAAAoDIka3AyJG
twAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFeBG9HyjccQQUr3
o3zBRvuyg0mTIzTLpu2XlKg5KOSJhX660M4MY0PHoQGE5mt7GdX/o/UMdRyAgZmC1F3dA+
EAAAAfRqOXyZiNzNC4og56WgCiKsdELjKw72taKAwPoCHJRAAAAAdyb290QHZtAQI=
-----END OPENSSH PRIVATE KEY-----\n";
    const PUBLIC: &str = "ecdsa-sha2-nistp256 \
        AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFeBG9HyjccQQUr3o3zBRvuyg0mT\
        IzTLpu2XlKg5KOSJhX660M4MY0PHoQGE5mt7GdX/o/UMdRyAgZmC1F3dA+E=";

    #[test]
    fn a_short_scalar_is_filled_up() {
        let key = parse(SHORT).unwrap();
        assert_eq!(key.public_key().to_openssh().unwrap(), PUBLIC);
    }

    #[test]
    fn the_library_still_needs_this() {
        assert!(decode_secret_key(SHORT, None).is_err(), "this module can go");
    }

    #[test]
    fn nothing_else_is_read() {
        for text in ["", BEGIN, &SHORT.replace("b3Bl", "b3Bm"), &SHORT[..SHORT.len() / 2]] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
