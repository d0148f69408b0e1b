//! Where credentials of one kind are held, and the single flight that fetches them.
//!
//! All who ask while a mint is under way get its answer, good or bad. The mint is a task of its
//! own: it ends even if everybody who asked has gone. An answer that was refused by the other
//! side is named by its generation; whatever is newer than that is good enough, so that many who
//! are refused at once ask the service once.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::oneshot;

use super::error::Error;
use super::types::Generation;
use crate::locked::Locked;
use crate::tasks::Tasks;

type Answer<V> = Result<Arc<V>, Error>;

/// Credentials of one kind by whose they are.
pub(super) struct Shelf<K, V> {
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
}

struct Flight<V> {
    answer: Shared<BoxFuture<'static, Answer<V>>>,
    /// False once the key was forgotten and nobody has asked since.
    wanted: bool,
}

impl<K, V> Shelf<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Send + Sync + 'static,
{
    pub(super) fn new(tasks: &Tasks) -> Self {
        let slots = Slots { youngest: 0, by_key: HashMap::new() };
        Self { slots: Arc::new(Locked::new(slots)), tasks: tasks.clone() }
    }

    /// What is held, if it is newer than `refused`; else the answer of the mint that is under
    /// way; else of a new one.
    pub(super) async fn get<F>(
        &self,
        key: &K,
        refused: Option<Generation>,
        mint: impl FnOnce(Generation) -> F,
    ) -> Answer<V>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        let answer = {
            let mut slots = self.slots.lock();
            match slots.found(key, refused) {
                Some(Found::Held(held)) => return Ok(held),
                Some(Found::InFlight(answer)) => answer,
                None => self.start(&mut slots, key, mint),
            }
        };
        answer.await
    }

    /// Drops what is held. A mint that is under way ends, and its answer is not held either.
    pub(super) fn forget(&self, key: &K) {
        let mut slots = self.slots.lock();
        match slots.by_key.get_mut(key) {
            Some(Slot { held, minting: Some(flight) }) => {
                *held = None;
                flight.wanted = false;
            }
            Some(Slot { minting: None, .. }) => drop(slots.by_key.remove(key)),
            None => {}
        }
    }

    fn start<F>(
        &self,
        slots: &mut Slots<K, V>,
        key: &K,
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
        let flight = Flight { answer: answer.clone(), wanted: true };
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
        self.by_key.entry(key.clone()).or_insert(Slot { held: None, minting: None })
    }

    /// A mint that is under way is newer than anything that can have been refused.
    fn found(&mut self, key: &K, refused: Option<Generation>) -> Option<Found<V>> {
        let slot = self.by_key.get_mut(key)?;
        if let Some((generation, held)) = &slot.held
            && refused.is_none_or(|refused| *generation > refused)
        {
            return Some(Found::Held(held.clone()));
        }
        let flight = slot.minting.as_mut()?;
        flight.wanted = true;
        Some(Found::InFlight(flight.answer.clone()))
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
        if slot.minting.as_ref().is_some_and(|flight| flight.wanted) {
            slot.held = Some((self.generation, minted.clone()));
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
