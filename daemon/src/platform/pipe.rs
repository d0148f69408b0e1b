//! Who may open our named pipe on Windows: the user, and nobody else.
//!
//! A pipe has no directory that could keep others out, and the access list it gets by default lets
//! everybody read and every administrator write.

use std::io;

use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use widestring::U16CString;

/// An access list that inherits nothing and names one user: whoever runs this process.
///
/// # Errors
/// When the system does not say who that is.
pub fn for_us_alone() -> io::Result<SecurityDescriptor> {
    let list = format!("D:P(A;;GA;;;{})", own_sid()?);
    SecurityDescriptor::deserialize(&U16CString::from_str(list).map_err(io::Error::other)?)
}

/// Of the user, not of a group: `S-1-5-21-…`.
fn own_sid() -> io::Result<String> {
    let us = sysinfo::get_current_pid().map_err(io::Error::other)?;
    let user = ProcessRefreshKind::nothing().with_user(UpdateKind::Always);
    let mut system = System::new().map_err(io::Error::other)?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[us]), false, user);
    let sid = system.process(us).and_then(sysinfo::Process::user_id);
    let unknown = || io::Error::other("the system does not say whose process this is");
    sid.map(|sid| sid.to_string()).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a machine or a domain, or of the cloud: no group of the system's own is called so.
    #[test]
    fn we_are_one_user_and_the_system_takes_the_list() {
        let sid = own_sid().unwrap();
        assert!(sid.starts_with("S-1-5-21-") || sid.starts_with("S-1-12-1-"), "{sid}");
        for_us_alone().unwrap();
    }
}
