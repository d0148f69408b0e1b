//! What a run has shown, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::judge::{Judged, Seen};
use super::measure::Held;
use super::record::{Failure, Log, Record};
use super::schedule::Schedule;

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    seed: u64,
    /// How long clients worked.
    seconds: u64,
    /// How often they were served, and what they said when they were not.
    #[serde(flatten)]
    log: Log,
    recoveries: BTreeMap<String, Recovery>,
    held: Measured,
    /// Credentials handed out, by path.
    mints: BTreeMap<String, u64>,
    pub(super) failures: Vec<Failure>,
}

/// Milliseconds from a fault's end until every session had served a psql.
#[derive(Debug, Serialize)]
struct Recovery {
    times: usize,
    median_ms: u64,
    p99_ms: u64,
    max_ms: u64,
}

/// What the daemon held, and when.
#[derive(Debug, Serialize)]
struct Measured {
    /// Without sessions.
    idle: Held,
    /// With all, before any work.
    rested: Held,
    /// After the first part.
    warm: Held,
    /// In the end, without clients.
    settled: Held,
    /// Without sessions again.
    closed: Held,
}

impl Report {
    pub(super) fn new(schedule: &Schedule, record: &Record, seen: &Seen, judged: Judged) -> Self {
        let log = record.snapshot();
        let recoveries =
            log.recoveries.iter().map(|(kind, times)| (kind.clone(), Recovery::of(times)));
        Self {
            seed: schedule.seed,
            seconds: schedule.time.as_secs(),
            recoveries: recoveries.collect(),
            held: Measured {
                idle: seen.idle.clone(),
                rested: seen.rested.clone(),
                warm: seen.warm.clone(),
                settled: judged.settled,
                closed: judged.closed,
            },
            mints: judged.mints,
            failures: log.failures.clone(),
            log,
        }
    }

    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl Recovery {
    fn of(times: &[u64]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
            sorted.get(place).copied().unwrap_or_default()
        };
        Self { times: sorted.len(), median_ms: at(50), p99_ms: at(99), max_ms: at(100) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "soak of {} s, seed {}", self.seconds, self.seed)?;
        self.clients(f)?;
        self.faults(f)?;
        self.held.fmt(f)?;
        writeln!(f, "\ncredentials handed out")?;
        for (path, count) in &self.mints {
            writeln!(f, "{count:>8}  POST {path}")?;
        }
        if self.failures.is_empty() {
            return writeln!(
                f,
                "\nit held: no wrong answer, nobody hung, nothing left over, every session up"
            );
        }
        writeln!(f, "\n{} failures", self.failures.len())?;
        self.failures.iter().try_for_each(|failure| writeln!(f, "{failure}"))
    }
}

impl Report {
    fn clients(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<20} {:>8} {:>8}", "clients", "served", "errors")?;
        for (name, tally) in &self.log.clients {
            let errors: u64 = tally.errors.values().sum();
            writeln!(f, "{name:<20} {:>8} {errors:>8}", tally.served)?;
        }
        writeln!(f, "\nwhat they said while a fault was on")?;
        let mut said = BTreeMap::<&str, u64>::new();
        for (text, count) in self.log.clients.values().flat_map(|tally| &tally.errors) {
            *said.entry(text).or_default() += count;
        }
        let mut said: Vec<_> = said.into_iter().collect();
        said.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        said.iter().try_for_each(|(text, count)| writeln!(f, "{count:>8}  {text}"))
    }

    fn faults(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = "until every session served again, ms";
        writeln!(f, "\n{title:<36} {:>6} {:>8} {:>8} {:>8}", "times", "median", "p99", "max")?;
        for (kind, Recovery { times, median_ms, p99_ms, max_ms }) in &self.recoveries {
            writeln!(f, "{kind:<36} {times:>6} {median_ms:>8} {p99_ms:>8} {max_ms:>8}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { idle, rested, warm, settled, closed } = self;
        writeln!(
            f,
            "\n{:<16} {:>6} {:>6} {:>11} {:>6} {:>9} {:>10}",
            "the daemon holds", "tasks", "files", "memory, KiB", "links", "backends", "CLOSE_WAIT"
        )?;
        let rows = [
            ("no session yet", idle),
            ("all up", rested),
            ("after some work", warm),
            ("after all work", settled),
            ("all closed", closed),
        ];
        for (name, held) in rows {
            let number = |number: Option<u64>| number.map_or("-".to_owned(), |n| n.to_string());
            let count = |number: Option<usize>| number.map_or("-".to_owned(), |n| n.to_string());
            let (files, memory) = (count(held.files), number(held.memory_kib));
            let Held { tasks, links, backends, .. } = held;
            let waiting = count(held.close_wait);
            writeln!(
                f,
                "{name:<16} {tasks:>6} {files:>6} {memory:>11} {links:>6} {backends:>9} {waiting:>10}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let times: Vec<u64> = (1..=200).rev().collect();
        let Recovery { times, median_ms, p99_ms, max_ms } = Recovery::of(&times);
        assert_eq!((times, median_ms, p99_ms, max_ms), (200, 100, 198, 200));
        let one = Recovery::of(&[7]);
        assert_eq!((one.median_ms, one.p99_ms, one.max_ms), (7, 7, 7));
    }
}
