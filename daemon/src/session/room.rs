//! Room for local clients: as many as there are descriptors for, beside those that the daemon needs
//! to keep its links and to answer its user. Whoever comes too late is told so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{info, warn};

use crate::platform::Notices;

/// How many may be told at once that there is no room; beyond that, connections are just closed.
const REFUSALS: usize = 8;

/// See the module. Shared by all sessions, as the descriptors are.
pub(super) struct Room {
    most: usize,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    /// Somebody was turned away, and nobody was let in since.
    full: AtomicBool,
    notices: Notices,
}

/// What becomes of a client that has come.
pub(super) enum Place {
    /// It is served, for as long as it keeps this.
    Taken(OwnedSemaphorePermit),
    /// It is told that there is no room.
    None(OwnedSemaphorePermit),
    /// There is not even room for that.
    Nowhere,
}

impl Room {
    pub(super) fn new(most: usize, notices: Notices) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let (places, refusals) = (Semaphore::new(most), Semaphore::new(REFUSALS));
        Self {
            most,
            places: Arc::new(places),
            refusals: Arc::new(refusals),
            full: AtomicBool::new(false),
            notices,
        }
    }

    /// For one client.
    pub(super) fn place(&self) -> Place {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            self.note_room();
            return Place::Taken(place);
        }
        self.note_full();
        match self.refusals.clone().try_acquire_owned() {
            Ok(permit) => Place::None(permit),
            Err(_all_taken) => Place::Nowhere,
        }
    }

    /// Said once, and not for each client.
    pub(super) fn note_full(&self) {
        if !self.full.swap(true, Ordering::Relaxed) {
            warn!(most = self.most, "no room for another client: they are turned away");
            self.notices.add(notice());
        }
    }

    pub(super) fn note_room(&self) {
        if self.full.swap(false, Ordering::Relaxed) {
            info!("there is room for clients again");
            self.notices.remove(&notice());
        }
    }
}

fn notice() -> String {
    "clients are turned away: the daemon may not open more files; end some of them, or raise the \
     limit (ulimit -Hn, LimitNOFILE= in a unit) and restart it"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_too_late_is_told_and_the_next_gets_the_free_place() {
        let notices = Notices::default();
        let room = Room::new(2, notices.clone());
        let places = [room.place(), room.place()];
        assert!(places.iter().all(|place| matches!(place, Place::Taken(_))));
        assert!(notices.all().is_empty());
        let told: Vec<Place> = (0..REFUSALS).map(|_| room.place()).collect();
        assert!(told.iter().all(|place| matches!(place, Place::None(_))));
        assert!(matches!(room.place(), Place::Nowhere));
        assert_eq!(notices.all().len(), 1);
        drop(places);
        assert!(matches!(room.place(), Place::Taken(_)));
        assert!(notices.all().is_empty(), "it is no news any more");
    }
}
