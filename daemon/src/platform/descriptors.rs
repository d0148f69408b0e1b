//! File descriptors when they run short. Without one a caller can be neither accepted nor refused,
//! and would wait for ever.

use std::fs::File;
use std::io;

/// What the daemon keeps for itself, of the descriptors of the process: callers of the control
/// socket, links, the APIs, files. Of a process with few of them, half.
const OURS: usize = 512;

/// How many local clients fit beside that, each with a descriptor.
#[must_use]
pub fn room_for_clients() -> usize {
    room_beside_ours(limit())
}

fn room_beside_ours(limit: Option<u64>) -> usize {
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    limit - OURS.min(limit / 2)
}

#[cfg(unix)]
fn limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Windows counts no handles.
#[cfg(not(unix))]
fn limit() -> Option<u64> {
    None
}

/// Whether there is none left, in this process or in the system.
#[cfg(unix)]
#[must_use]
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE].into_iter().any(|errno| code == Some(errno.raw_os_error()))
}

/// Windows counts no handles.
#[cfg(not(unix))]
#[must_use]
pub fn is_out_of_descriptors(_error: &io::Error) -> bool {
    false
}

/// A descriptor kept for the moment when there is no other.
#[derive(Debug)]
pub struct SpareDescriptor(Option<File>);

impl Default for SpareDescriptor {
    fn default() -> Self {
        let mut spare = Self(None);
        spare.take();
        spare
    }
}

impl SpareDescriptor {
    /// Makes room for one other.
    pub fn give_up(&mut self) {
        self.0 = None;
    }

    /// Once that other is closed. Says whether it is there; one that is there stays.
    pub fn take(&mut self) -> bool {
        if self.0.is_none() {
            self.0 = File::open(if cfg!(windows) { "NUL" } else { "/dev/null" }).ok();
        }
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_never_get_what_the_daemon_needs() {
        let table =
            [(None, usize::MAX - OURS), (Some(1_048_576), 1_048_576 - OURS), (Some(1024), 512)];
        for (limit, room) in table {
            assert_eq!(room_beside_ours(limit), room, "{limit:?}");
        }
        assert_eq!(room_beside_ours(Some(64)), 32);
        assert!(room_for_clients() > 0);
    }
}
