//! A mutex for small sections that leave their value whole whatever happens, so that a panic
//! elsewhere never makes the value unreachable.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module.
#[derive(Debug, Default)]
pub struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    /// Takes the value in.
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Waits for the value. Never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
