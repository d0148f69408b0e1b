//! Every secret that was handed out, so that a test can look for them where none may be.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Shorter lines of a key (its last one) could turn up by chance.
const SHORTEST_KEY_LINE: usize = 20;
/// Letters and digits a password starts with; what follows needs escaping somewhere.
const PASSWORD_HEAD: usize = 24;
/// Ends each password: characters that mean something in URLs, shells, SQL or passfiles.
const PASSWORD_TAIL: &str = "%/:@#&'";
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[derive(Default)]
pub(crate) struct Secrets {
    /// Guards the set only; never held across an await.
    handed_out: Mutex<BTreeSet<String>>,
}

impl Secrets {
    /// A new password. Its letters and digits are what [`Secrets::all`] lists: they survive every
    /// way of escaping the rest.
    pub(crate) fn password(&self) -> String {
        let head = letters(PASSWORD_HEAD);
        self.add(&head);
        head + PASSWORD_TAIL
    }

    /// A new token.
    pub(crate) fn token(&self, prefix: &str) -> String {
        let token = format!("{prefix}{}", letters(40));
        self.add(&token);
        token
    }

    pub(crate) fn add(&self, secret: &str) {
        self.set().insert(secret.to_owned());
    }

    pub(crate) fn add_key(&self, pem: &str) {
        let mut set = self.set();
        for line in pem.lines().filter(|line| !line.starts_with("-----")) {
            if line.len() >= SHORTEST_KEY_LINE {
                set.insert(line.to_owned());
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.set().iter().cloned().collect()
    }

    fn set(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.handed_out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn letters(count: usize) -> String {
    let letter = || LETTERS.get(rand::random_range(0..LETTERS.len())).copied().unwrap_or(b'x');
    (0..count).map(|_| char::from(letter())).collect()
}

/// `count` random lower-case hexadecimal digits.
pub(crate) fn hex(count: usize) -> String {
    (0..count).filter_map(|_| char::from_digit(rand::random_range(0..16), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listed_part_of_a_password_survives_percent_encoding() {
        let secrets = Secrets::default();
        let password = secrets.password();
        let listed = secrets.all();
        assert_eq!(listed.len(), 1);
        assert!(password.starts_with(&listed[0]));
        assert!(listed[0].chars().all(|c| c.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_key_is_listed_by_its_lines() {
        let secrets = Secrets::default();
        secrets.add_key("-----BEGIN X-----\nAAAABBBBCCCCDDDDEEEEFFFF\nshort\n-----END X-----\n");
        assert_eq!(secrets.all(), ["AAAABBBBCCCCDDDDEEEEFFFF"]);
    }
}
