//! What the daemon did on its own and a person should hear of, for `status`: a state file moved
//! aside, a disk that is full.

use std::sync::{Arc, Mutex, PoisonError};

/// More than a person reads; the log has them all.
const MOST: usize = 16;

/// A short shared list. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    /// Guards the texts, oldest first.
    texts: Arc<Mutex<Vec<String>>>,
}

impl Notices {
    /// Adds a notice, unless it already stands there. The oldest makes room.
    pub fn add(&self, text: impl Into<String>) {
        let text = text.into();
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if texts.contains(&text) {
            return;
        }
        if texts.len() == MOST {
            texts.remove(0);
        }
        texts.push(text);
    }

    /// Takes back a notice whose cause is gone.
    pub fn remove(&self, text: &str) {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).retain(|held| held != text);
    }

    /// All of them, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn said_once_and_never_without_end() {
        let notices = Notices::default();
        for number in 0..40 {
            notices.add(format!("notice {number}"));
            notices.add(format!("notice {number}"));
        }
        let all = notices.all();
        assert_eq!((all.len(), all.last().map(String::as_str)), (MOST, Some("notice 39")));
        notices.remove("notice 39");
        assert_eq!(notices.all().last().map(String::as_str), Some("notice 38"));
    }
}
