//! One who connects and asks seldom, as an editor that is left open. What he asks is answered, or he
//! is told that the connection is gone; he is not left waiting.

use tokio::time::timeout;
use tokio_postgres::{Client as Driver, NoTls, SimpleQueryMessage};

use super::super::stand::{ARCHIVE_RO, TARGETS};
use super::super::tool::{LIMIT, Trouble};
use super::{At, Client};

/// Questions on one connection.
const QUESTIONS: i64 = 4;
/// Between two of them, in milliseconds.
const SILENCE: [u64; 2] = [500, 8_000];

pub(super) struct Idle;

impl Client for Idle {
    const NAME: &'static str = "idle client";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let target = at.one_of(&TARGETS, ARCHIVE_RO);
        let url = at.stand.url(target).await?;
        let (driver, connection) = within(tokio_postgres::connect(&url, NoTls)).await?;
        let talk = async {
            let answer = talk(at, &driver).await;
            drop(driver);
            answer
        };
        let (answer, ended) = tokio::join!(talk, connection);
        answer.and(ended.map_err(|error| told(&error)))
    }
}

async fn talk(at: &mut At<'_>, driver: &Driver) -> Result<(), Trouble> {
    for _ in 0..at.between(1, QUESTIONS) {
        at.pause(SILENCE).await;
        let number = at.between(1, 1_000_000);
        let sql = format!("SELECT {number}::bigint * 3");
        let answer = within(driver.simple_query(&sql)).await?;
        let expected = (number * 3).to_string();
        let says = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(&expected));
        let right = answer.iter().any(says);
        if !right {
            return Err(Trouble::Wrong(format!("{expected} is not in the answer")));
        }
    }
    Ok(())
}

async fn within<T>(
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Trouble> {
    match timeout(LIMIT, asked).await {
        Ok(answer) => answer.map_err(|error| told(&error)),
        Err(_) => Err(Trouble::Hung(format!("no answer after {LIMIT:?}"))),
    }
}

/// By its SQLSTATE, where it has one.
fn told(error: &tokio_postgres::Error) -> Trouble {
    let text = match error.as_db_error() {
        Some(said) => format!("{}: {}", said.code().code(), said.message()),
        None => crate::chain(error),
    };
    Trouble::Failed(text)
}
