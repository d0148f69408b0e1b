//! What the process may use, and what it must never leave on disk.

/// Raises the number of open files to what the system allows (the soft limit is 256 on macOS),
/// forbids core dumps, which would hold keys and passwords, and makes new files ours alone.
#[cfg(unix)]
pub fn tighten() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

    umask(rustix::fs::Mode::from_raw_mode(0o077));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    let files = getrlimit(Resource::Nofile);
    let wanted = if cfg!(target_os = "macos") { capped(files.maximum) } else { files.maximum };
    setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum: files.maximum })?;
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
