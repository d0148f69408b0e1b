//! Heroku may ask for a second factor. The daemon has no terminal to ask at; we may.

use std::io::{IsTerminal, stderr, stdin};

use borealis_proto::{ErrorCode, Session};
use inquire::Text;

use crate::Error;
use crate::api::{self, Api};

/// A code that is mistyped, or a moment too old, may be typed again.
const TRIES: usize = 3;

/// Does `work`; if Heroku then asks for a second factor, asks the person at the terminal and does
/// it again. Without a terminal, or without an answer, it is as `work` left it.
///
/// # Errors
/// Those of `work`.
pub(crate) async fn answering<T>(
    api: &Api,
    session: impl Fn(&T) -> &Session,
    work: impl AsyncFn() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut done = work().await;
    for _ in 0..TRIES {
        let asks = match &done {
            Ok(done) => session(done).reason.as_ref().map(|reason| reason.code),
            Err(Error::Api(api::Error::Refused(detail))) => Some(detail.code),
            Err(_) => None,
        };
        if asks != Some(ErrorCode::TwoFactorRequired) {
            break;
        }
        let Some(code) = code() else { break };
        api.answer_second_factor(&code)?;
        done = work().await;
    }
    done
}

fn code() -> Option<String> {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return None;
    }
    // Escape and Ctrl+C are no answer.
    Text::new("Heroku asks for your two-factor code:").prompt().ok().filter(|code| !code.is_empty())
}
