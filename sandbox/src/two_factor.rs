//! Whether Heroku asks for a second factor, as it does of people who have one when they make an
//! authorization.

use std::sync::{Mutex, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct TwoFactor {
    /// Guards the code that is asked for.
    code: Mutex<Option<String>>,
}

impl TwoFactor {
    pub(crate) fn ask_for(&self, code: Option<String>) {
        *self.code.lock().unwrap_or_else(PoisonError::into_inner) = code;
    }

    /// Whether a request with this answer may pass.
    pub(crate) fn admits(&self, answer: Option<&str>) -> bool {
        let code = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        code.as_deref().is_none_or(|code| answer == Some(code))
    }
}
