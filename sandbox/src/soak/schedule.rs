//! When what goes wrong, and for how long: all of it from a seed, so that a run can be repeated.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::kinds::{KINDS, Kind, Subject, Trait};
use super::stand::{OPEN, TARGETS};

/// Part of the time in which the daemon may be ended too, in percent. What it holds afterwards is
/// that of one daemon, and can be compared.
const DEADLY_PART: u32 = 30;
/// For each that ends the daemon, so many that do not.
const OTHERS: usize = 3;
/// Of fair weather between two episodes, in milliseconds.
const REST: [u64; 2] = [1_000, 4_000];
/// What it takes to be well again, as far as the schedule is concerned.
const RECOVERY: Duration = Duration::from_secs(1);
/// Credentials of one add-on end no more often: asking for them more often than each half minute is
/// what the daemon rightly refuses to do.
const CREDENTIALS: Duration = Duration::from_secs(45);
/// How many episodes in a hundred are of two kinds at once.
const PAIRS: u32 = 35;

/// One or two faults, and their end.
#[derive(Debug, Clone)]
pub(super) struct Episode {
    /// Since the clients began; later when the one before takes longer.
    pub(super) at: Duration,
    pub(super) kinds: Vec<&'static Kind>,
    pub(super) hold: Duration,
    pub(super) subject: Subject,
}

/// A whole run.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub(super) seed: u64,
    pub(super) time: Duration,
    pub(super) episodes: Vec<Episode>,
}

struct Dealer {
    random: StdRng,
    deck: VecDeque<&'static Kind>,
    /// Whether the daemon may be ended.
    deadly: bool,
    /// When credentials of an add-on last ended.
    ended: BTreeMap<&'static str, Duration>,
}

impl Schedule {
    pub(super) fn new(seed: u64, time: Duration) -> Self {
        let mut dealer = Dealer {
            random: StdRng::seed_from_u64(seed),
            deck: VecDeque::new(),
            deadly: true,
            ended: BTreeMap::new(),
        };
        let deadly = deadly_until(time);
        let (mut at, mut episodes) = (Duration::ZERO, Vec::new());
        loop {
            at += dealer.milliseconds(REST);
            if dealer.deadly && at >= deadly {
                dealer.deadly = false;
                dealer.deck.clear();
            }
            let episode = dealer.episode(at);
            at += episode.hold + RECOVERY;
            if at > time {
                return Self { seed, time, episodes };
            }
            episodes.push(episode);
        }
    }

    /// When the first part is over.
    pub(super) fn deadly_until(&self) -> Duration {
        deadly_until(self.time)
    }
}

fn deadly_until(time: Duration) -> Duration {
    time * DEADLY_PART / 100
}

impl Dealer {
    /// Of each kind one, before any comes again. With what ends the daemon, a few of the others.
    fn fill(&mut self) {
        let is_deadly = |kind: &&Kind| kind.is(Trait::Deadly);
        let mut cards: Vec<&Kind> = KINDS.iter().filter(|kind| !is_deadly(kind)).collect();
        cards.shuffle(&mut self.random);
        if self.deadly {
            let ending: Vec<&Kind> = KINDS.iter().filter(is_deadly).collect();
            cards.truncate(ending.len() * OTHERS);
            cards.extend(ending);
            cards.shuffle(&mut self.random);
        }
        self.deck.extend(cards);
    }

    fn episode(&mut self, at: Duration) -> Episode {
        let first = self.deal(at, |_| true);
        let mut kinds = vec![first];
        let paired = !first.is(Trait::Alone) && self.random.random_ratio(PAIRS, 100);
        let credentials = first.is(Trait::Credentials);
        if paired {
            let other = |kind: &Kind| {
                !kind.is(Trait::Alone)
                    && kind.name != first.name
                    && !(credentials && kind.is(Trait::Credentials))
            };
            kinds.push(self.deal(at, other));
        }
        let holds: Vec<_> = kinds.iter().map(|kind| self.milliseconds(kind.hold)).collect();
        let hold = holds.into_iter().max().unwrap_or_default();
        let target = TARGETS.get(self.random.random_range(0..TARGETS.len()));
        let addon = self.addon();
        if kinds.iter().any(|kind| kind.is(Trait::Credentials)) {
            self.ended.insert(addon, at + hold);
        }
        let subject = Subject { addon, target: *target.unwrap_or(&TARGETS[0]) };
        Episode { at, kinds, hold, subject }
    }

    /// The next kind that fits; others stay in the deck for later.
    fn deal(&mut self, at: Duration, fits: impl Fn(&Kind) -> bool) -> &'static Kind {
        loop {
            let rested = self.rested(at);
            let may = |kind: &Kind| fits(kind) && (rested || !kind.is(Trait::Credentials));
            if let Some(place) = self.deck.iter().position(|kind| may(kind))
                && let Some(kind) = self.deck.remove(place)
            {
                return kind;
            }
            self.fill();
        }
    }

    /// The one whose credentials have been good for longest.
    fn addon(&self) -> &'static str {
        let since = |addon: &&str| self.ended.get(addon).copied().unwrap_or_default();
        OPEN.into_iter().min_by_key(since).unwrap_or_default()
    }

    fn rested(&self, at: Duration) -> bool {
        self.ended.get(self.addon()).is_none_or(|ended| at >= *ended + CREDENTIALS)
    }

    fn milliseconds(&mut self, [from, to]: [u64; 2]) -> Duration {
        Duration::from_millis(self.random.random_range(from..=to))
    }
}

impl Episode {
    /// What it is made of.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.kinds.iter().map(|kind| kind.name).collect();
        names.join(" and ")
    }
}

impl std::fmt::Display for Episode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.names())?;
        if self.kinds.iter().any(|kind| kind.is(Trait::Credentials)) {
            write!(f, " of {}", self.subject.addon)?;
        }
        if self.hold.is_zero() { Ok(()) } else { write!(f, " for {:.1?}", self.hold) }
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for episode in &self.episodes {
            writeln!(f, "{:>8.1} s  {episode}", episode.at.as_secs_f64())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_seed_is_a_schedule() {
        let of = |seed| Schedule::new(seed, HOUR).to_string();
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }

    #[test]
    fn every_kind_comes_in_its_part() {
        for seed in 0..20 {
            let schedule = Schedule::new(seed, HOUR);
            let split = schedule.deadly_until();
            for kind in KINDS {
                let of_kind =
                    |episode: &&Episode| episode.kinds.iter().any(|one| one.name == kind.name);
                let at: Vec<_> = schedule.episodes.iter().filter(of_kind).map(|e| e.at).collect();
                assert!(at.len() > 3, "seed {seed}: {kind:?} comes {} times", at.len());
                assert!(!kind.is(Trait::Deadly) || at.iter().all(|at| *at < split), "{kind:?}");
            }
        }
    }

    #[test]
    fn credentials_of_an_add_on_end_a_minute_apart() {
        for seed in 0..20 {
            let mut last = BTreeMap::new();
            for episode in Schedule::new(seed, HOUR).episodes {
                if episode.kinds.iter().any(|kind| kind.is(Trait::Credentials)) {
                    let before = last.insert(episode.subject.addon, episode.at);
                    assert!(before.is_none_or(|before| before + CREDENTIALS <= episode.at));
                }
            }
            assert_eq!(last.len(), OPEN.len(), "no add-on is left out");
        }
    }

    #[test]
    fn it_is_over_in_time() {
        for time in [0, 5, 120, 3600].map(Duration::from_secs) {
            let schedule = Schedule::new(1, time);
            assert!(schedule.episodes.iter().all(|one| one.at + one.hold <= time));
        }
    }
}
