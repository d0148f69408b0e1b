//! Where credentials of one kind are held, and the single flight that fetches them.
//!
//! All who ask while a mint is under way get its answer, good or bad. The mint is a task of its
//! own: it ends even if everybody who asked has gone. An answer that was refused by the other
//! side is named by its generation; whatever is newer than that is good enough, so that many who
//! are refused at once ask the service once. What was refused is not given out again.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use borealis_proto::Renew;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::oneshot;

use super::error::Error;
use super::ledger::{Entry, Ledger};
use super::types::{Generation, Kind};
use super::want::{Asker, Past, Refused, Want};
use crate::locked::Locked;
use crate::tasks::Tasks;

type Answer<V> = Result<Arc<V>, Error>;

/// Credentials of one kind by whose they are.
pub(super) struct Shelf<K, V> {
    kind: Kind,
    /// What becomes of those that are refused.
    renew: Renew,
    /// Guards what is held and what is in flight; never locked across a wait.
    slots: Arc<Locked<Slots<K, V>>>,
    tasks: Tasks,
}

struct Slots<K, V> {
    /// The youngest generation of all.
    youngest: u64,
    by_key: HashMap<K, Slot<V>>,
}

struct Slot<V> {
    held: Option<(Generation, Arc<V>)>,
    minting: Option<Flight<V>>,
    /// The youngest that the other side refuses.
    refused: Option<Generation>,
    ledger: Ledger,
}

struct Flight<V> {
    answer: Shared<BoxFuture<'static, Answer<V>>>,
    /// False once the key was forgotten and nobody has asked since.
    wanted: bool,
    /// What it is entered as when it succeeds.
    entry: Entry,
}

impl<K, V> Shelf<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Send + Sync + 'static,
{
    pub(super) fn new(kind: Kind, renew: Renew, tasks: &Tasks) -> Self {
        let slots = Slots { youngest: 0, by_key: HashMap::new() };
        Self { kind, renew, slots: Arc::new(Locked::new(slots)), tasks: tasks.clone() }
    }

    /// What is held, if it will do; else the answer of the mint that is under way; else of a new
    /// one, if the ledger allows it.
    pub(super) async fn get<F>(
        &self,
        key: &K,
        want: Want,
        mint: impl FnOnce(Generation) -> F,
    ) -> Answer<V>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        let answer = {
            let mut slots = self.slots.lock();
            match slots.found(key, want) {
                Ok(Found::Held(held)) => return Ok(held),
                Ok(Found::InFlight(answer)) => answer,
                Err(want) => {
                    let entry = slots.slot(key).ledger.may(want, self.renew);
                    let entry = entry.map_err(|denied| Error::denied(denied, self.kind))?;
                    self.start(&mut slots, key, entry, mint)
                }
            }
        };
        answer.await
    }

    /// Drops what is held. A mint that is under way ends, and its answer is not held either.
    pub(super) fn forget(&self, key: &K) {
        let mut slots = self.slots.lock();
        let Some(slot) = slots.by_key.get_mut(key) else { return };
        match &mut slot.minting {
            Some(flight) => {
                flight.wanted = false;
                (slot.held, slot.refused, slot.ledger) = (None, None, Ledger::default());
            }
            None => drop(slots.by_key.remove(key)),
        }
    }

    fn start<F>(
        &self,
        slots: &mut Slots<K, V>,
        key: &K,
        entry: Entry,
        mint: impl FnOnce(Generation) -> F,
    ) -> Shared<BoxFuture<'static, Answer<V>>>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        slots.youngest += 1;
        let generation = Generation(slots.youngest);
        let landing = Landing { slots: self.slots.clone(), key: key.clone(), generation };
        let (tell, told) = oneshot::channel();
        let minted = mint(generation);
        self.tasks.spawn(async move {
            let answer = minted.await.map(Arc::new);
            landing.hold(&answer);
            drop(landing);
            // Nobody may be left to hear it.
            let _unheard = tell.send(answer);
        });
        let answer = told.map(|told| told.unwrap_or(Err(Error::Interrupted))).boxed().shared();
        let flight = Flight { answer: answer.clone(), wanted: true, entry };
        slots.slot(key).minting = Some(flight);
        answer
    }
}

enum Found<V> {
    Held(Arc<V>),
    InFlight(Shared<BoxFuture<'static, Answer<V>>>),
}

impl<K: Clone + Eq + Hash, V> Slots<K, V> {
    fn slot(&mut self, key: &K) -> &mut Slot<V> {
        self.by_key.entry(key.clone()).or_insert_with(|| Slot {
            held: None,
            minting: None,
            refused: None,
            ledger: Ledger::default(),
        })
    }

    /// What will do, or what to want of the service. A mint that is under way is newer than
    /// anything that can have been refused.
    fn found(&mut self, key: &K, want: Want) -> Result<Found<V>, Want> {
        let Some(slot) = self.by_key.get_mut(key) else { return Err(want) };
        if let Want::Renewed(refused) = want {
            slot.refused = slot.refused.max(Some(refused.generation));
        }
        // While others are being got, who has no complaint need not wait for them.
        let known = slot.refused.filter(|_| slot.minting.is_none());
        let floor = want.beyond().max(known);
        if let Some((generation, held)) = &slot.held
            && floor.is_none_or(|floor| *generation > floor)
        {
            return Ok(Found::Held(held.clone()));
        }
        match &mut slot.minting {
            Some(flight) => {
                flight.wanted = true;
                if matches!(want, Want::Other(_)) {
                    flight.entry = Entry::Refresh;
                }
                Ok(Found::InFlight(flight.answer.clone()))
            }
            None => Err(slot.or_renewed(want)),
        }
    }
}

impl<V> Slot<V> {
    /// Who knows nothing of a refusal and would take what is held, wants it renewed.
    fn or_renewed(&self, want: Want) -> Want {
        match (want, self.refused) {
            (Want::Any, Some(generation)) => {
                Want::Renewed(Refused { generation, past: Past::Worked, found_by: Asker::Daemon })
            }
            (Want::Any | Want::Other(_) | Want::Renewed(_) | Want::Unreached(_), _) => want,
        }
    }
}

/// Ends a flight, also one that panics: the next who asks must not wait for it.
struct Landing<K: Eq + Hash, V> {
    slots: Arc<Locked<Slots<K, V>>>,
    key: K,
    generation: Generation,
}

impl<K: Eq + Hash, V> Landing<K, V> {
    fn hold(&self, answer: &Answer<V>) {
        let mut slots = self.slots.lock();
        let (Some(slot), Ok(minted)) = (slots.by_key.get_mut(&self.key), answer) else { return };
        if let Some(Flight { wanted: true, entry, .. }) = slot.minting {
            slot.held = Some((self.generation, minted.clone()));
            slot.ledger.enter(entry);
        }
    }
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        let mut slots = self.slots.lock();
        let Some(slot) = slots.by_key.get_mut(&self.key) else { return };
        slot.minting = None;
        if slot.held.is_none() {
            slots.by_key.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests;
