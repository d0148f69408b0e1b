//! The login in netrc files, where `heroku login` kept it before version 11.8.
//!
//! The parser is ours because two things matter here that the usual ones get wrong: the first
//! entry of a host wins, and no error ever quotes the file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use reqwest::Url;

use super::gpg;
use super::login::{LoginError, Source};
use crate::locked::Locked;
use crate::secret::Secret;

/// Netrc files of which the first that exists counts; one that ends in `.gpg` is decrypted.
#[derive(Debug)]
pub struct NetrcFiles {
    files: Vec<PathBuf>,
    machines: Vec<String>,
    gpg: OsString,
    /// Guards when the encrypted file that gpg was last called for was written. gpg asks people for
    /// their passphrase.
    asked_about: Locked<Option<SystemTime>>,
}

impl NetrcFiles {
    /// Looks for the login of the API at `heroku`.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, heroku: &Url) -> Self {
        let machines = machines(heroku);
        Self { files, machines, gpg: "gpg".into(), asked_about: Locked::default() }
    }

    /// `anew`: also what gpg was called for already.
    async fn find(&self, anew: bool) -> Result<Option<Secret<String>>, LoginError> {
        for file in &self.files {
            if let Some(text) = self.read(file, anew).await? {
                let text = String::from_utf8_lossy(text.expose());
                return Ok(self.machines.iter().find_map(|machine| password(&text, machine)));
            }
        }
        Ok(None)
    }

    async fn read(&self, file: &Path, anew: bool) -> Result<Option<Secret<Vec<u8>>>, LoginError> {
        let unreadable = |source| LoginError::Unreadable { path: file.to_owned(), source };
        if file.extension().is_some_and(|extension| extension == "gpg") {
            if !tokio::fs::try_exists(file).await.map_err(unreadable)? {
                return Ok(None);
            }
            let written = tokio::fs::metadata(file).await.and_then(|found| found.modified()).ok();
            let before = std::mem::replace(&mut *self.asked_about.lock(), written);
            if !anew && written.is_some() && before == written {
                // An empty one: the plain file beside it does not count in its place.
                return Ok(Some(Secret::new(Vec::new())));
            }
            let encrypted = |source| LoginError::Encrypted { path: file.to_owned(), source };
            return gpg::decrypt(&self.gpg, file).await.map(Some).map_err(encrypted);
        }
        match tokio::fs::read(file).await {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(error)),
        }
    }
}

impl Source for NetrcFiles {
    fn name(&self) -> &'static str {
        "netrc"
    }

    fn token(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>> {
        Box::pin(self.find(true))
    }

    fn glance(&self) -> BoxFuture<'_, Result<Option<Secret<String>>, LoginError>> {
        Box::pin(self.find(false))
    }
}

/// What the host is called in the file, best first.
fn machines(heroku: &Url) -> Vec<String> {
    let Some(host) = heroku.host_str() else { return Vec::new() };
    let with_port = heroku.port().map(|port| format!("{host}:{port}"));
    with_port.into_iter().chain([host.to_owned()]).collect()
}

/// The password in the first entry of a machine. The `default` entry is nobody's Heroku login.
fn password(text: &str, machine: &str) -> Option<Secret<String>> {
    let mut words = Words { rest: text };
    let mut inside = false;
    while let Some(word) = words.next_word() {
        match word.as_str() {
            comment if comment.starts_with('#') => words.skip_line(),
            "machine" if inside => return None,
            "machine" => inside = words.next_word()? == machine,
            "default" if inside => return None,
            "macdef" => words.skip_macro(),
            "password" => {
                let password = Secret::new(words.next_word()?);
                if inside {
                    return Some(password);
                }
            }
            "login" | "account" => drop(words.next_word()),
            _ => {}
        }
    }
    None
}

/// Words between blanks; one in double quotes may hold blanks, and `\` escapes inside it.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next_word(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        if let Some(quoted) = self.rest.strip_prefix('"') {
            return Some(self.quoted(quoted));
        }
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn quoted(&mut self, text: &'a str) -> String {
        let mut word = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => word.extend(chars.next()),
                c => word.push(c),
            }
        }
        self.rest = chars.as_str();
        word
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_line, rest)| rest);
    }

    /// A macro ends at the first empty line.
    fn skip_macro(&mut self) {
        self.skip_line();
        while !self.rest.is_empty() {
            let empty = self.rest.lines().next().is_some_and(|line| line.trim().is_empty());
            self.skip_line();
            if empty {
                break;
            }
        }
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
