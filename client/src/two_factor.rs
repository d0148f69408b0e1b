//! Heroku may ask for a second factor. The daemon has no terminal to ask at; we may.

use std::io::{IsTerminal, stderr, stdin};

use borealis_proto::{ErrorCode, Session};
use inquire::Text;

use crate::Error;
use crate::api::{self, Api};
use crate::output::spinner;

/// A code that is mistyped, or a moment too old, may be typed again.
const TRIES: usize = 3;

/// Does `work`; if Heroku then asks for a second factor, asks the person at the terminal and does
/// it again. Without a terminal, or without an answer, it is as `work` left it. What was done is a
/// success also where Heroku asks, if `session` finds one in it that waits for the answer.
///
/// # Errors
/// Those of `work`.
pub(crate) async fn answering<T>(
    api: &Api,
    session: impl Fn(&T) -> Option<&Session>,
    work: impl AsyncFn() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut done = work().await;
    for _ in 0..TRIES {
        let asks = match &done {
            Ok(done) => session(done).and_then(reason),
            Err(error) => code_of(error),
        };
        if asks != Some(ErrorCode::TwoFactorRequired) {
            break;
        }
        let Some(answer) = answer() else { break };
        api.answer_second_factor(&answer)?;
        done = work().await;
    }
    done
}

fn reason(session: &Session) -> Option<ErrorCode> {
    session.reason.as_ref().map(|reason| reason.code)
}

fn code_of(error: &Error) -> Option<ErrorCode> {
    if let Error::Api(api::Error::Refused(detail)) = error {
        Some(detail.code)
    } else if let Error::Query { code, .. } = error {
        Some(*code)
    } else {
        None
    }
}

fn answer() -> Option<String> {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return None;
    }
    spinner::make_way();
    // Escape and Ctrl+C are no answer.
    let mut code = Text::new("Heroku asks for your two-factor code:").prompt().ok()?;
    // Telephones show it as `123 456`.
    code.retain(|letter| letter.is_ascii_graphic());
    Some(code).filter(|code| !code.is_empty())
}
