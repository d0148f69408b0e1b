//! Decrypts `.netrc.gpg` with the user's gpg, as the Heroku CLI does.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::http::shown;
use crate::secret::Secret;

/// Long enough for a person to type the passphrase at the agent's prompt.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why a file could not be decrypted.
#[derive(Debug, thiserror::Error)]
pub enum GpgError {
    /// gpg does not start; it may not be installed.
    #[error("gpg does not start: {0}")]
    NotStarted(#[source] std::io::Error),
    /// No answer; its agent may be waiting for a passphrase that nobody types.
    #[error("gpg did not end within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// It ended without the text.
    #[error("gpg: {0}")]
    Failed(String),
}

/// The plain text of a file. It comes through a pipe and is never written anywhere.
pub(super) async fn decrypt(gpg: &OsStr, file: &Path) -> Result<Secret<Vec<u8>>, GpgError> {
    let child = Command::new(gpg)
        .args(["--batch", "--quiet", "--decrypt", "--"])
        .arg(file)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(TIMEOUT, child)
        .await
        .map_err(|_elapsed| GpgError::TimedOut)?
        .map_err(GpgError::NotStarted)?;
    let text = Secret::new(output.stdout);
    if output.status.success() {
        return Ok(text);
    }
    Err(GpgError::Failed(last_line(&output.stderr, output.status)))
}

fn last_line(stderr: &[u8], status: std::process::ExitStatus) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or_else(|| status.to_string(), shown)
}
