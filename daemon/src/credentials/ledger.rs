//! How often one credential was got, and whether the daemon may ask for another by itself.
//!
//! Nobody knows whether asking changes a credential that is in use on another machine. If it does,
//! two machines of one account take each other's away, each time either renews. So what the daemon
//! does by itself has a pace and an end; a person is served at once.
//!
//! Time that the machine sleeps does not count: it makes the rules a little stricter.

use std::collections::VecDeque;
use std::time::Duration;

use borealis_proto::Renew;
use tokio::time::Instant;

use super::want::{Asker, Past, Refused, Want};

/// Between two renewals that nobody asked for, and before one of credentials that never worked.
pub(super) const APART: Duration = Duration::from_secs(30);
/// So many renewals that nobody asked for, of one credential, in [`DAY`]: one every half hour, all
/// day, which is far more than any policy of expiry needs. Two machines that take each other's
/// credentials away stop after less than half an hour.
pub(super) const CEILING: usize = 48;
/// What the ceiling counts over.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is remembered of one credential.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// When it was got last, on whose word ever.
    last: Option<Instant>,
    /// When it was renewed last by the daemon itself.
    last_automatic: Option<Instant>,
    /// The renewals that count for the ceiling, oldest first.
    counted: VecDeque<Instant>,
}

/// What a mint is entered as, once it has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// There was none before, or somebody's command needed it.
    Plain,
    /// A person's `refresh`: the count begins anew.
    Refresh,
    /// Nobody asked for it.
    Automatic,
}

/// Why the service is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// Not before so long.
    TooSoon(Duration),
    /// Not before a person has looked, or so long.
    TooOften(Duration),
    /// Not before a person says so.
    NotAsked,
}

impl Ledger {
    /// Whether the service may be asked now, and what to enter then.
    pub(super) fn may(&mut self, want: Want, renew: Renew) -> Result<Entry, Denied> {
        match (want, renew) {
            (Want::Any, _) => Ok(Entry::Plain),
            (Want::Other(_), _) => Ok(Entry::Refresh),
            (Want::Renewed(_) | Want::Unreached(_), Renew::Ask) => Err(Denied::NotAsked),
            (Want::Unreached(_), Renew::Auto) => self.may_by_itself(Past::Worked, Instant::now()),
            (Want::Renewed(Refused { found_by: Asker::Person, .. }), Renew::Auto) => {
                Ok(Entry::Plain)
            }
            (Want::Renewed(Refused { found_by: Asker::Daemon, past, .. }), Renew::Auto) => {
                self.may_by_itself(past, Instant::now())
            }
        }
    }

    fn may_by_itself(&mut self, past: Past, now: Instant) -> Result<Entry, Denied> {
        while self.counted.front().is_some_and(|first| now.duration_since(*first) >= DAY) {
            self.counted.pop_front();
        }
        if let Some(first) = self.counted.front()
            && self.counted.len() >= CEILING
        {
            return Err(Denied::TooOften(*first + DAY - now));
        }
        let unproved = self.last.filter(|_| past == Past::New);
        match self.last_automatic.max(unproved).map(|last| last + APART) {
            Some(due) if due > now => Err(Denied::TooSoon(due - now)),
            Some(_) | None => Ok(Entry::Automatic),
        }
    }

    /// There is a new one.
    pub(super) fn enter(&mut self, entry: Entry) {
        let now = Instant::now();
        self.last = Some(now);
        match entry {
            Entry::Plain => {}
            Entry::Refresh => self.counted.clear(),
            Entry::Automatic => {
                self.last_automatic = Some(now);
                self.counted.push_back(now);
            }
        }
    }
}

#[cfg(test)]
mod tests;
