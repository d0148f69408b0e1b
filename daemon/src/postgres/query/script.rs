//! In which pieces a question goes to Postgres, and when to stop.

use borealis_proto::{OnError, QueryEvent};
use tokio::sync::mpsc;

use super::Question;
use super::copy::CopySource;
use super::error::QueryError;
use super::results::{self, Outcome, Part};
use super::split::statements;
use super::wire::Wire;

/// Asks, part by part. `done` is sent when all were asked.
pub(super) async fn play(
    wire: &mut Wire<'_>,
    question: &Question<'_>,
    copy: &mut CopySource,
    events: &mpsc::Sender<QueryEvent>,
) -> Result<Outcome, QueryError> {
    for part in parts(question) {
        match results::answer(wire, &part, copy, events).await? {
            Outcome::Answered => {}
            Outcome::Refused if question.on_error == OnError::Continue => {}
            // The connection ends now, and a transaction that is open with it.
            ended @ (Outcome::Refused | Outcome::Fatal | Outcome::CallerGone) => return Ok(ended),
        }
    }
    match events.send(QueryEvent::Done).await {
        Ok(()) => Ok(Outcome::Answered),
        Err(_gone) => Ok(Outcome::CallerGone),
    }
}

/// Whole wherever possible: then Postgres alone says where a statement ends.
fn parts<'a>(question: &Question<'a>) -> Vec<Part<'a>> {
    let quiet = |sql| Part { sql, shift: 0, quiet: true };
    let whole = Part { sql: question.sql, shift: 0, quiet: false };
    if question.single_transaction {
        return vec![quiet("BEGIN"), whole, quiet("COMMIT")];
    }
    match question.on_error {
        OnError::Stop | OnError::Unknown => vec![whole],
        OnError::Continue => {
            let part = |(shift, sql)| Part { sql, shift, quiet: false };
            statements(question.sql).map(part).collect()
        }
    }
}
