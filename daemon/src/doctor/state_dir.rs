//! The state directory: ours alone, and with room for what is written there.

use std::error::Error as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use borealis_proto::{Check, shell_word};

use crate::platform::{DirError, check_private_dir};

const NAME: &str = "state-dir";

/// A disk on the network may never answer.
const TIMEOUT: Duration = Duration::from_secs(5);

const ELSEWHERE: &str =
    "name another one with BOREALIS_STATE_DIR; then: borealisctl daemon restart";

/// Reads and writes on a thread of its own, which is left alone if it hangs.
pub(super) async fn check(dir: &Path) -> Check {
    let path = dir.to_owned();
    let looking = tokio::task::spawn_blocking(move || check_private_dir(&path));
    let shown = dir.display();
    match tokio::time::timeout(TIMEOUT, looking).await {
        Ok(Ok(Ok(()))) => Check::ok(NAME, format!("{shown} is for you alone, and writable")),
        Ok(Ok(Err(error))) => unsafe_or_full(&error),
        // The thread panicked, or the runtime ends.
        Ok(Err(_interrupted)) => Check::warning(NAME, format!("{shown} could not be looked at"))
            .or_hint("borealisctl daemon logs"),
        Err(_late) => {
            let message = format!("{shown} did not answer within {} s", TIMEOUT.as_secs());
            Check::problem(NAME, message).or_hint(ELSEWHERE)
        }
    }
}

fn unsafe_or_full(error: &DirError) -> Check {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Check::problem(NAME, format!("{error}{cause}")).or_hint(hint(error))
}

fn hint(error: &DirError) -> String {
    let close = |path: &PathBuf| format!("chmod 700 {}", shell_word(path));
    match error {
        DirError::Open { path, .. } | DirError::Shared { path, .. } => close(path),
        // It is made anew with the next start.
        DirError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            "borealisctl daemon restart".to_owned()
        }
        DirError::Io { path, .. } => {
            format!("free the disk or mend the directory: df -h {}", shell_word(path))
        }
        DirError::NotADirectory { .. } | DirError::Foreign { .. } => ELSEWHERE.to_owned(),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use borealis_proto::Verdict;

    use super::*;

    #[tokio::test]
    async fn private_and_writable_is_well_and_all_else_says_what_to_type() {
        let home = tempfile::tempdir().unwrap();
        set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
        assert_eq!(check(home.path()).await.verdict, Verdict::Ok);
        set_permissions(home.path(), Permissions::from_mode(0o750)).unwrap();
        let open = check(home.path()).await;
        assert_eq!(open.verdict, Verdict::Problem);
        assert_eq!(open.hint.unwrap(), format!("chmod 700 {}", home.path().display()));
        let gone = check(&home.path().join("gone")).await;
        assert!(gone.message.contains("No such file"), "{gone:?}");
        assert_eq!(gone.hint.as_deref(), Some("borealisctl daemon restart"));
    }
}
