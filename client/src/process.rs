//! Whether a process is still there.

/// A process that has ended and waits for its parent counts as gone.
#[cfg(unix)]
pub(crate) fn is_running(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    test_kill_process(pid).is_ok() && !is_zombie(pid.as_raw_nonzero().get())
}

/// `/proc/PID/stat` is `PID (NAME) STATE …`; the name may hold anything. Absent on macOS, where
/// launchd collects the dead at once.
#[cfg(unix)]
fn is_zombie(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_there_until_it_ends() {
        assert!(is_running(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!is_running(pid));
    }
}
