//! Answers that a fault has prepared for the next API calls.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The calls meant when none are named: all of the Borealis API.
const DEFAULT_PATH: &str = "/heroku/resources";

/// What a call gets instead of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Status {
        code: u16,
        retry_after: Option<u64>,
    },
    Hang,
    /// A captive portal's page, or the way to it.
    Portal {
        redirect: bool,
    },
}

#[derive(Debug)]
struct Prepared {
    answer: Answer,
    path: String,
    left: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Armed {
    /// In the order they were prepared; never held across an await.
    prepared: Mutex<Vec<Prepared>>,
}

impl Armed {
    /// For the next `times` calls whose path contains `path`.
    pub(crate) fn arm(&self, answer: Answer, times: u32, path: Option<String>) {
        let path = path.unwrap_or_else(|| DEFAULT_PATH.to_owned());
        self.prepared().push(Prepared { answer, path, left: times });
    }

    pub(crate) fn disarm(&self) {
        self.prepared().clear();
    }

    pub(crate) fn next(&self, path: &str) -> Option<Answer> {
        let mut all = self.prepared();
        let first = all.iter_mut().find(|one| one.left > 0 && path.contains(&one.path))?;
        first.left -= 1;
        let answer = first.answer;
        all.retain(|one| one.left > 0);
        Some(answer)
    }

    fn prepared(&self) -> MutexGuard<'_, Vec<Prepared>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOPE: Answer = Answer::Status { code: 503, retry_after: None };

    #[test]
    fn counts_down_on_matching_paths_only() {
        let armed = Armed::default();
        armed.arm(NOPE, 2, None);
        assert_eq!(armed.next("/addons/x"), None);
        assert_eq!(armed.next("/heroku/resources/a"), Some(NOPE));
        assert_eq!(armed.next("/heroku/resources/b/personal-ssh-users"), Some(NOPE));
        assert_eq!(armed.next("/heroku/resources/a"), None);
    }

    #[test]
    fn the_first_prepared_comes_first() {
        let armed = Armed::default();
        armed.arm(NOPE, 1, Some("/addons".into()));
        armed.arm(Answer::Hang, 1, Some("/addons".into()));
        assert_eq!(armed.next("/addons/x"), Some(NOPE));
        assert_eq!(armed.next("/addons/x"), Some(Answer::Hang));
        armed.arm(NOPE, 1, Some("/addons".into()));
        armed.disarm();
        assert_eq!(armed.next("/addons/x"), None);
    }
}
