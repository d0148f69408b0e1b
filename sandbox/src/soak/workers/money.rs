//! Those that write: what was acknowledged is there, and money only moves.

use super::super::data::{ACCOUNTS, TOTAL};
use super::super::stand::{SUSHI_RO, SUSHI_RW};
use super::super::tool::Trouble;
use super::{At, Client, exactly};

/// One row more each time.
pub(super) struct Counter;
/// From one account to another.
pub(super) struct Transfer;
/// What all accounts hold together, read by somebody else.
pub(super) struct Sum;

impl Client for Counter {
    const NAME: &'static str = "counter";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let number = at.ledger.counters().begin();
        let sql = format!("INSERT INTO counters VALUES ({number}) RETURNING n");
        let answer = at.stand.psql(SUSHI_RW, &[&sql], b"").await?;
        at.ledger.counters().acknowledge(number);
        exactly(&answer, &format!("{number}\nINSERT 0 1\n"))
    }
}

impl Client for Transfer {
    const NAME: &'static str = "transfer";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let (from, to) = (at.between(1, ACCOUNTS), at.between(1, ACCOUNTS));
        let amount = at.between(1, 100);
        let take = format!("UPDATE accounts SET balance = balance - {amount} WHERE id = {from}");
        let give = format!("UPDATE accounts SET balance = balance + {amount} WHERE id = {to}");
        let answer = at.stand.psql(SUSHI_RW, &["BEGIN", &take, &give, "COMMIT"], b"").await?;
        exactly(&answer, "BEGIN\nUPDATE 1\nUPDATE 1\nCOMMIT\n")
    }
}

impl Client for Sum {
    const NAME: &'static str = "sum";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let sql = "SELECT sum(balance), count(*) FROM accounts";
        let answer = at.stand.psql(SUSHI_RO, &[sql], b"").await?;
        exactly(&answer, &format!("{TOTAL},{ACCOUNTS}\n"))
    }
}
