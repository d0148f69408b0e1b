//! What the process may use, and what it must never leave on disk.

/// Raises the number of open files to what the system allows (the soft limit is 256 on macOS),
/// forbids core dumps, which would hold keys and passwords, keeps other programs of the user out of
/// our memory (Linux), and makes new files ours alone.
#[cfg(unix)]
pub fn tighten() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

    umask(rustix::fs::Mode::from_raw_mode(0o077));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    close_memory()?;
    let files = getrlimit(Resource::Nofile);
    let wanted = if cfg!(target_os = "macos") { capped(files.maximum) } else { files.maximum };
    setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum: files.maximum })?;
    Ok(())
}

/// No debugger, no `/proc/PID/mem` and `environ`, no core that is piped to a program, for which the
/// limit above does not count. Root may still look.
#[cfg(target_os = "linux")]
fn close_memory() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Only a signed program with its hardened runtime can have that.
#[cfg(all(unix, not(target_os = "linux")))]
fn close_memory() -> std::io::Result<()> {
    Ok(())
}

/// macOS says "unlimited" and then refuses more than this (`OPEN_MAX`).
#[cfg(unix)]
fn capped(limit: Option<u64>) -> Option<u64> {
    const OPEN_MAX: u64 = 10_240;
    Some(limit.map_or(OPEN_MAX, |limit| limit.min(OPEN_MAX)))
}

/// Windows has no such limits, and writes dumps only where somebody set that up.
#[cfg(not(unix))]
pub fn tighten() -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn unlimited_is_what_the_kernel_takes() {
        assert_eq!(capped(None), Some(10_240));
        assert_eq!(capped(Some(256)), Some(256));
    }
}
