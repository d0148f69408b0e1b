//! What happens in a run: which clients were served, what they were told, what must not have been.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::kinds::Trait;
use super::schedule::Episode;
use super::tool::Trouble;

/// Failures that are kept; a run that has more is a failure all the same.
const FAILURES: usize = 200;

/// Something that must not be.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Failure {
    /// Seconds since the clients began.
    pub(super) at: f64,
    pub(super) text: String,
    /// What went on just then.
    pub(super) during: String,
}

/// What became of the work of one kind of client.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Tally {
    /// Served, and rightly.
    pub(super) served: u64,
    /// What they said when they failed, and how often.
    pub(super) errors: BTreeMap<String, u64>,
}

/// A fault that was made.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Made {
    /// Seconds since the clients began.
    pub(super) at: f64,
    pub(super) what: String,
    /// Milliseconds from its end until every session had served a psql; `None`: never.
    pub(super) recovered_ms: Option<u64>,
}

/// All of it.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Log {
    pub(super) clients: BTreeMap<&'static str, Tally>,
    pub(super) faults: Vec<Made>,
    /// How many daemons were ended.
    pub(super) daemons_ended: u64,
    /// How often credentials ended, by add-on.
    pub(super) ended: BTreeMap<&'static str, u64>,
    /// How often a person asked for new credentials, by add-on.
    pub(super) refreshed: BTreeMap<String, u64>,
    /// Authorizations that a killed daemon had in hand.
    #[serde(skip)]
    pub(super) orphans: BTreeSet<String>,
    /// Milliseconds to recover, by kind; two at once are a kind of their own.
    #[serde(skip)]
    pub(super) recoveries: BTreeMap<String, Vec<u64>>,
    #[serde(skip)]
    pub(super) failures: Vec<Failure>,
    #[serde(skip)]
    during: String,
}

#[derive(Debug)]
pub(super) struct Record {
    begun: Instant,
    /// Never held across an await.
    log: Mutex<Log>,
}

impl Record {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), log: Mutex::default() }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What goes on from now on.
    pub(super) fn during(&self, what: String) {
        self.log().during = what;
    }

    /// A client's work is over. Whoever fails in fair weather has been failed.
    pub(super) fn step(&self, client: &'static str, outcome: Result<(), Trouble>, fair: bool) {
        let mut log = self.log();
        let tally = log.clients.entry(client).or_default();
        let failure = match outcome {
            Ok(()) => {
                tally.served += 1;
                None
            }
            Err(Trouble::Failed(text)) => {
                *tally.errors.entry(text.clone()).or_default() += 1;
                fair.then(|| format!("failed in fair weather: {text}"))
            }
            Err(Trouble::Excused(text)) => {
                *tally.errors.entry(text).or_default() += 1;
                None
            }
            Err(Trouble::Wrong(text)) => Some(format!("wrong: {text}")),
            Err(Trouble::Hung(text)) => Some(format!("hung: {text}")),
        };
        drop(log);
        if let Some(text) = failure {
            self.fail(&format!("{client} {text}"));
        }
    }

    /// Something that must not be.
    pub(super) fn fail(&self, text: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        let mut log = self.log();
        let failure = Failure { at, text: text.to_owned(), during: log.during.clone() };
        super::say(&format!("{failure}"));
        if log.failures.len() < FAILURES {
            log.failures.push(failure);
        }
    }

    /// A person asks for new credentials of an add-on.
    pub(super) fn refreshed(&self, addon: &str) {
        *self.log().refreshed.entry(addon.to_owned()).or_default() += 1;
    }

    /// A daemon was killed while it had these authorizations.
    pub(super) fn orphaned(&self, authorizations: impl Iterator<Item = String>) {
        self.log().orphans.extend(authorizations);
    }

    /// A fault was made, and is over.
    pub(super) fn made(&self, at: Duration, episode: &Episode, recovered: Option<Duration>) {
        let recovered_ms =
            recovered.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let mut log = self.log();
        for kind in &episode.kinds {
            log.daemons_ended += u64::from(kind.is(Trait::Deadly));
            if kind.is(Trait::Credentials) {
                *log.ended.entry(episode.subject.addon).or_default() += 1;
            }
        }
        log.faults.push(Made { at: at.as_secs_f64(), what: episode.to_string(), recovered_ms });
        if let Some(ms) = recovered_ms {
            log.recoveries.entry(episode.names()).or_default().push(ms);
        }
    }

    pub(super) fn snapshot(&self) -> Log {
        self.log().clone()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>8.1} s  FAILURE: {} [{}]", self.at, self.text, self.during)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_to_blame() {
        let failed = || Err(Trouble::Failed("exit 2".to_owned()));
        let table = [
            (Ok(()), true, 0),
            (failed(), false, 0),
            (failed(), true, 1),
            (Err(Trouble::Excused("cut off".to_owned())), true, 0),
            (Err(Trouble::Wrong("3 rows of 4".to_owned())), false, 1),
            (Err(Trouble::Hung("60 s".to_owned())), false, 1),
        ];
        for (outcome, fair, failures) in table {
            let record = Record::new();
            record.step("reader", outcome.clone(), fair);
            assert_eq!(record.snapshot().failures.len(), failures, "{outcome:?} {fair}");
        }
    }
}
