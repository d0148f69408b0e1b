//! Instants as the API tells them: in whole seconds, and by the clock on the wall.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// This second.
#[must_use]
pub fn now() -> Timestamp {
    whole_second(Timestamp::now())
}

/// The second that an instant is in.
#[must_use]
pub fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

/// When a wait that begins now will be over; `None`: never, as far as anybody can say.
#[must_use]
pub fn after(wait: Duration) -> Option<Timestamp> {
    Timestamp::now().checked_add(SignedDuration::try_from(wait).ok()?).ok()
}
