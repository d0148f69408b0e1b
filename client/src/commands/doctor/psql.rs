//! The user's psql, which `borealisctl psql` starts. All else works without it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use borealis_proto::Check;
use tokio::process::Command;
use tokio::time::timeout;

use crate::child;

const NAME: &str = "psql";

/// It only prints a line.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Of a line that is not ours, in characters.
const SHOWN: usize = 100;

pub(super) async fn check() -> Check {
    match which::which(NAME) {
        Ok(program) => version(&program).await,
        Err(_missing) => {
            let error = child::Error::NotFound { program: PathBuf::from(NAME) };
            let check = Check::warning(NAME, error.to_string());
            check.or_hint(error.hint().unwrap_or_default())
        }
    }
}

async fn version(program: &Path) -> Check {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let problem = match timeout(TIMEOUT, command.output()).await {
        Ok(Ok(output)) if output.status.success() => {
            let version = first_line(&output.stdout);
            return Check::ok(NAME, format!("{version}, {}", program.display()));
        }
        Ok(Ok(output)) => format!("ends with {}", output.status),
        Ok(Err(error)) => format!("cannot be run: {error}"),
        Err(_late) => format!("does not end within {} s", TIMEOUT.as_secs()),
    };
    let message = format!("{} {problem}", program.display());
    Check::warning(NAME, message).or_hint("try it: psql --version")
}

fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_plain_line() {
        assert_eq!(first_line(b"psql (PostgreSQL) 16.4\nmore\n"), "psql (PostgreSQL) 16.4");
        assert_eq!(first_line(b"\x1b[2Jpsql"), "[2Jpsql");
        assert_eq!(first_line(&[b'x'; 1000]).len(), SHOWN);
        assert_eq!(first_line(b""), "");
    }
}
