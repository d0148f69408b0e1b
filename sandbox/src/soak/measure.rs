//! What the daemon holds, counted from outside of it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::stand::{OPEN, Stand};
use super::tool::Trouble;

/// The daemon keeps a link that nobody uses for a minute, and a connection to an API for less.
const SETTLE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);
/// Open files that come with the first client, or the first fault, and stay: a handful, however many
/// follow. What leaks is a multiple of what happened.
const FIRST_TIME: usize = 4;
/// Of a connection in `/proc/net/tcp`: the other side has ended it, this one has not.
const CLOSE_WAIT: &str = "08";

/// What is counted. `None` where the system does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Held {
    pub(super) pid: u32,
    pub(super) tasks: usize,
    pub(super) files: Option<usize>,
    pub(super) memory_kib: Option<u64>,
    pub(super) close_wait: Option<usize>,
    pub(super) links: usize,
    pub(super) backends: usize,
    pub(super) authorizations: usize,
}

pub(super) async fn held(stand: &Stand) -> Result<Held, Trouble> {
    let daemon = stand.daemon().await?;
    let mut backends = 0;
    for prefix in ["p_", "app_"] {
        let counted = stand.sandbox.backends(prefix).await;
        backends += counted.map_err(|error| Trouble::Failed(crate::chain(&error)))?;
    }
    Ok(Held {
        pid: daemon.pid,
        tasks: daemon.health.tasks,
        files: files(daemon.pid).map(|files| files.len()),
        memory_kib: memory(daemon.pid),
        close_wait: close_wait(daemon.pid),
        links: stand.sandbox.ssh_connections(),
        backends,
        authorizations: stand.sandbox.outstanding_authorizations(),
    })
}

/// Waits until no more is held than `rested` says, or until that has taken too long.
pub(super) async fn settled(stand: &Stand, rested: Option<&Held>) -> Result<Held, Trouble> {
    let deadline = Instant::now() + SETTLE;
    loop {
        let now = held(stand).await?;
        let over = match rested {
            Some(rested) => now.more_than(rested).is_empty(),
            None => now.links == OPEN.len() && now.backends == 0 && now.authorizations == 0,
        };
        if over || Instant::now() >= deadline {
            return Ok(now);
        }
        sleep(LOOK).await;
    }
}

impl Held {
    /// What is left over, memory and authorizations apart: they are judged on their own.
    pub(super) fn more_than(&self, rested: &Self) -> Vec<String> {
        let counted = [
            ("tasks", Some(self.tasks), Some(rested.tasks)),
            ("open files", self.files, rested.files.map(|files| files + FIRST_TIME)),
            ("sockets in CLOSE_WAIT", self.close_wait, rested.close_wait),
            ("SSH connections", Some(self.links), Some(rested.links)),
            ("backends in Postgres", Some(self.backends), Some(rested.backends)),
        ];
        let over =
            |&(_, now, then): &(_, Option<usize>, Option<usize>)| now > then && then.is_some();
        let text = |(what, now, then): (&str, Option<usize>, Option<usize>)| {
            format!("{} {what}, {} at most", now.unwrap_or_default(), then.unwrap_or_default())
        };
        counted.into_iter().filter(over).map(text).collect()
    }
}

/// What each descriptor is.
fn files(pid: u32) -> Option<Vec<String>> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        Some(std::fs::read_link(entry.ok()?.path()).ok()?.to_string_lossy().into_owned())
    };
    Some(entries.filter_map(name).collect())
}

/// Without what is mapped from files and can be had again.
fn memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn close_wait(pid: u32) -> Option<usize> {
    Some(sockets(pid)?.iter().filter(|socket| socket.state == CLOSE_WAIT).count())
}

/// A TCP socket of the daemon, as the kernel writes it.
struct Socket {
    /// Address and port, in hexadecimal.
    local: String,
    remote: String,
    state: String,
}

fn sockets(pid: u32) -> Option<Vec<Socket>> {
    let ours: HashSet<String> = files(pid)?.into_iter().collect();
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, state, _, _, _, _, _, inode, ..] = fields.as_slice() else {
            return None;
        };
        let [local, remote, state] = [local, remote, state].map(|field| (*field).to_owned());
        let is_ours = ours.contains(&format!("socket:[{inode}]"));
        is_ours.then_some(Socket { local, remote, state })
    };
    Some(table.lines().skip(1).filter_map(socket).collect())
}

/// What the descriptors are, for whoever has to find out why there are too many: each kind and how
/// many of it, and each TCP socket with its two ports and its state.
pub(super) fn describe_files(pid: u32) -> String {
    let mut kinds = BTreeMap::<String, usize>::new();
    for name in files(pid).unwrap_or_default() {
        let kind = name.split(":[").next().unwrap_or_default();
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    let port = |address: &str| {
        let (_, port) = address.split_once(':').unwrap_or_default();
        u16::from_str_radix(port, 16).unwrap_or_default()
    };
    let tcp = sockets(pid).unwrap_or_default();
    let tcp = tcp.iter().map(|Socket { local, remote, state }| {
        format!("{}->{} {state}", port(local), port(remote))
    });
    let kinds = kinds.into_iter().map(|(kind, count)| format!("{count} {kind}"));
    kinds.chain(tcp).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESTED: Held = Held {
        pid: 1,
        tasks: 10,
        files: Some(30),
        memory_kib: Some(9_000),
        close_wait: Some(0),
        links: 4,
        backends: 0,
        authorizations: 0,
    };

    #[test]
    fn what_is_left_over_is_named() {
        assert!(RESTED.more_than(&RESTED).is_empty());
        let table = [
            Held { tasks: 11, ..RESTED },
            Held { files: Some(30 + FIRST_TIME + 1), ..RESTED },
            Held { close_wait: Some(1), ..RESTED },
            Held { links: 5, ..RESTED },
            Held { backends: 1, ..RESTED },
        ];
        for held in table {
            assert_eq!(held.more_than(&RESTED).len(), 1, "{held:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn our_own_sockets_are_found() {
        use std::net::{TcpListener, TcpStream};
        let pid = std::process::id();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let before = close_wait(pid).unwrap();
        drop(client);
        while close_wait(pid).unwrap() == before {
            std::thread::yield_now();
        }
        drop(server);
        assert!(memory(pid).unwrap() > 0);
    }
}
