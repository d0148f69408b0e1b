//! The control socket as a file: whose it is, and who else can reach it.

use std::path::Path;

use borealis_proto::Check;

const NAME: &str = "socket";

/// Nothing where none is there: that the daemon does not answer is said elsewhere.
#[cfg(unix)]
pub(super) fn check(socket: &Path) -> Option<Check> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    use borealis_proto::shell_word;

    let found = std::fs::symlink_metadata(socket).ok()?;
    let shown = socket.display();
    if !found.file_type().is_socket() {
        let check = Check::problem(NAME, format!("{shown} is not a socket"));
        return Some(check.or_hint(format!("rm {}, or set BOREALIS_SOCKET", shell_word(socket))));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        let check = Check::problem(NAME, format!("{shown} belongs to user {}", found.uid()));
        return Some(check.or_hint("set BOREALIS_SOCKET to a path in a directory of your own"));
    }
    // Either wall does: some systems cannot set the mode of a socket.
    let dir = socket.parent().unwrap_or(Path::new("/"));
    let dir_mode = std::fs::metadata(dir).map(|dir| dir.mode()).unwrap_or_default();
    if found.mode() & dir_mode & 0o077 == 0 {
        return Some(Check::ok(NAME, format!("{shown} is for you alone")));
    }
    let check = Check::warning(NAME, format!("{shown} can be reached by other users"));
    Some(check.or_hint(format!("chmod 700 {}", shell_word(dir))))
}

/// A pipe has no file and no mode.
#[cfg(windows)]
pub(super) fn check(socket: &Path) -> Option<Check> {
    Some(Check::ok(NAME, socket.display().to_string()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use borealis_proto::Verdict;

    use super::*;

    fn mode(path: &Path, mode: u32) {
        set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn one_wall_is_enough_and_none_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        assert_eq!(check(&socket), None);
        let _listener = UnixListener::bind(&socket).unwrap();
        for (of_dir, of_socket, verdict) in [
            (0o700, 0o755, Verdict::Ok),
            (0o755, 0o600, Verdict::Ok),
            (0o755, 0o755, Verdict::Warning),
        ] {
            mode(dir.path(), of_dir);
            mode(&socket, of_socket);
            let check = check(&socket).unwrap();
            assert_eq!(check.verdict, verdict, "{of_dir:o} {of_socket:o}");
            assert_eq!(check.hint.is_some(), verdict == Verdict::Warning);
        }
    }

    #[test]
    fn what_is_no_socket_is_a_problem() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s");
        std::fs::write(&file, "").unwrap();
        let check = check(&file).unwrap();
        assert_eq!(check.verdict, Verdict::Problem);
        assert!(check.hint.unwrap().starts_with("rm "));
    }
}
