//! The backends in Postgres behind a session's connections: stopped before their clients are cut
//! off.
//!
//! A backend at work does not look at its socket. Cut off from its client it goes on until it has
//! something to say, for hours maybe, with all its locks. Of our own queries we know the key that
//! cancels them. Of a local client we do not: it travels inside TLS, where we do not look. But
//! Postgres tells when each backend of our user was started, and we know when each channel was
//! opened. The times alone would mistake a backend of another machine, with the same user, for one
//! of ours; so they are compared in groups, and only a group that has no more backends than we have
//! connections is believed.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use super::error::Error;
use super::live::Live;
use super::query::{Failed, PATIENCE};
use crate::locked::Locked;
use crate::postgres::query::{self, BackendKey};
use crate::tunnel::{Channel, Company, Opening, Phase, Read};

/// How long a query may take to be cancelled once its session closes.
const LAST_CANCEL: Duration = Duration::from_secs(2);
/// How long the ending of backends may hold up a session's end.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// How long clients have to hear Postgres' last words.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// From a connection in the kernel's queue to a backend of its own, on a busy server.
const FORK: Duration = Duration::from_millis(500);

/// Backends of our user, but the one that answers: process, start, age in seconds.
const SEEN: &str =
    "select pid, backend_start, extract(epoch from clock_timestamp() - backend_start)
    from pg_stat_activity
    where usename = current_user and pid <> pg_backend_pid() and backend_type = 'client backend'";

/// The channels that lead to a backend now.
#[derive(Debug, Default)]
pub(super) struct Backends(Locked<Entries>);

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    open: BTreeMap<u64, Opening>,
}

/// Stands for a backend for as long as its channel is open.
pub(super) struct Entered<'a> {
    backends: &'a Backends,
    number: u64,
}

impl Backends {
    pub(super) fn enter(&self, opening: Opening) -> Entered<'_> {
        let mut entries = self.0.lock();
        entries.last += 1;
        let number = entries.last;
        entries.open.insert(number, opening);
        Entered { backends: self, number }
    }

    fn openings(&self) -> Vec<Opening> {
        self.0.lock().open.values().copied().collect()
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.backends.0.lock().open.remove(&self.number);
    }
}

/// As psql does on Ctrl+C: a second connection that says which backend should stop.
pub(super) async fn cancel(live: &Live, key: BackendKey) {
    let too_late = async {
        live.serving.cancelled().await;
        tokio::time::sleep(LAST_CANCEL).await;
    };
    tokio::select! {
        said = say_cancel(live, &key) => match said {
            Ok(()) => debug!(session = %live.id, "query cancelled"),
            Err(error) => warn!(session = %live.id, %error, "a query could not be cancelled"),
        },
        () = too_late => warn!(session = %live.id, "a query could not be cancelled in time"),
    }
}

async fn say_cancel(live: &Live, key: &BackendKey) -> Result<(), Error> {
    let Channel { mut reader, mut writer, .. } = live.channel(Company::Any, PATIENCE).await?;
    let request = Bytes::copy_from_slice(&query::cancel_request(key));
    // A channel that is lost has no answer either.
    if writer.write(request).await.is_ok() {
        // Postgres answers by closing.
        let mut nothing = Vec::new();
        while reader.read(&mut nothing).await == Read::Data {}
    }
    Ok(())
}

/// Ends the backends of all clients that are connected, and lets these hear of it.
pub(super) async fn end(live: &Live) {
    let openings = live.backends.openings();
    // A link that is gone took their sockets along, and nobody can ask.
    if openings.is_empty() || live.tunnel.status().borrow().phase != Phase::Ready {
        return;
    }
    match timeout(END_PATIENCE, end_those(live, &openings)).await {
        Ok(Ok(ended)) => {
            info!(session = %live.id, ended, of = openings.len(), "backends ended");
            if ended > 0 {
                // Whoever does not listen is cut off.
                let _ = timeout(LAST_WORDS, live.connections.join()).await;
            }
        }
        Ok(Err(error)) => warn!(session = %live.id, %error, "queries may go on in Postgres"),
        Err(_late) => warn!(session = %live.id, "queries may go on: Postgres does not answer"),
    }
}

async fn end_those(live: &Live, openings: &[Opening]) -> Result<usize, Failed> {
    let asked = Instant::now();
    let rows = live.rows(SEEN).await?;
    let answered = Instant::now();
    let seen = rows.iter().filter_map(|row| Seen::read(row, asked, answered)).collect();
    let ours: Vec<String> = ours(openings, seen).iter().map(Seen::row).collect();
    if ours.is_empty() {
        return Ok(0);
    }
    // With its start, because a number that is free again is given away.
    let sql = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where (pid, backend_start) in ({})",
        ours.join(", ")
    );
    live.rows(&sql).await?;
    Ok(ours.len())
}

/// A backend as Postgres tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    pid: i32,
    /// In Postgres' words.
    started: String,
    /// On our clock: not before, and not after.
    span: (Instant, Instant),
}

impl Seen {
    /// `None` when it is none of ours: older than this machine's clock, or from the future.
    fn read(row: &[Option<String>], asked: Instant, answered: Instant) -> Option<Self> {
        let [Some(pid), Some(started), Some(age)] = row else { return None };
        let age = Duration::try_from_secs_f64(age.parse().ok()?).ok()?;
        let span = (asked.checked_sub(age)?, answered.checked_sub(age)?);
        Some(Self { pid: pid.parse().ok()?, started: started.clone(), span })
    }

    fn row(&self) -> String {
        format!("({}, '{}')", self.pid, self.started)
    }
}

/// Those that can only be ours. Channels and backends whose times touch are one group; more
/// backends than channels in it, and somebody else's is among them.
fn ours(openings: &[Opening], seen: Vec<Seen>) -> Vec<Seen> {
    let channels = openings.iter().map(|o| (o.asked, o.confirmed + FORK, None));
    let backends = seen.into_iter().map(|seen| (seen.span.0, seen.span.1, Some(seen)));
    let mut all: Vec<_> = channels.chain(backends).collect();
    all.sort_by_key(|(from, _, _)| *from);
    let mut ours = Vec::new();
    let mut group = Group::default();
    for (from, to, seen) in all {
        if group.reach.is_some_and(|reach| reach < from) {
            ours.append(&mut std::mem::take(&mut group).believed());
        }
        group.reach = group.reach.max(Some(to));
        match seen {
            Some(seen) => group.backends.push(seen),
            None => group.channels += 1,
        }
    }
    ours.append(&mut group.believed());
    ours
}

#[derive(Default)]
struct Group {
    reach: Option<Instant>,
    channels: usize,
    backends: Vec<Seen>,
}

impl Group {
    fn believed(self) -> Vec<Seen> {
        if self.backends.len() > self.channels { Vec::new() } else { self.backends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    /// Farther apart than any two times of one group.
    const FAR: u32 = 10_000;

    fn opened(start: Instant, at: u32) -> Opening {
        Opening { asked: start + at * MS, confirmed: start + (at + 10) * MS }
    }

    fn seen(start: Instant, pid: i32, at: u32) -> Seen {
        let span = (start + at * MS, start + (at + 5) * MS);
        Seen { pid, started: String::new(), span }
    }

    fn pids(openings: &[Opening], seen: &[Seen]) -> Vec<i32> {
        ours(openings, seen.to_vec()).iter().map(|seen| seen.pid).collect()
    }

    #[test]
    fn a_backend_that_started_with_a_channel_is_its() {
        let t = Instant::now();
        let channels = [opened(t, 0), opened(t, FAR), opened(t, FAR + 1)];
        assert_eq!(pids(&channels, &[seen(t, 1, 7)]), [1]);
        let all = [seen(t, 1, 7), seen(t, 2, FAR + 5), seen(t, 3, FAR + 8)];
        assert_eq!(pids(&channels, &all), [1, 2, 3]);
        assert_eq!(pids(&channels, &[seen(t, 4, 400)]), [4], "forked late");
    }

    #[test]
    fn others_are_left_alone() {
        let t = Instant::now();
        let channels = [opened(t, FAR)];
        assert_eq!(pids(&channels, &[seen(t, 1, 0), seen(t, 2, 2 * FAR)]), [0_i32; 0]);
        assert_eq!(pids(&[], &[seen(t, 1, 0)]), [0_i32; 0]);
        assert_eq!(pids(&channels, &[]), [0_i32; 0]);
    }

    #[test]
    fn one_too_many_and_nobody_in_the_group_is_believed() {
        let t = Instant::now();
        let channels = [opened(t, 0), opened(t, FAR)];
        let all = [seen(t, 1, 5), seen(t, 2, 8), seen(t, 3, FAR + 5)];
        assert_eq!(pids(&channels, &all), [3]);
    }

    #[test]
    fn what_postgres_tells_is_put_on_our_clock() {
        let t = Instant::now() + FAR * MS;
        let row = |age: &str| [Some("7".to_owned()), Some("then".to_owned()), Some(age.to_owned())];
        let read = Seen::read(&row("2.5"), t, t + 4 * MS).unwrap();
        assert_eq!(read.span, (t - 2500 * MS, t - 2496 * MS));
        assert_eq!(read.row(), "(7, 'then')");
        for wrong in ["-1", "NaN", "1e300", ""] {
            assert_eq!(Seen::read(&row(wrong), t, t), None, "{wrong}");
        }
        assert_eq!(Seen::read(&[None, None, None], t, t), None, "another user's");
    }
}
