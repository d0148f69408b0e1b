//! Bulk in both directions, and one who takes his time.

use std::time::Duration;

use super::super::data::BATCH;
use super::super::stand::{UDON_RO, UDON_RW};
use super::super::tool::{self, Trouble};
use super::{At, Client, exactly, numbers};

/// COPY FROM, a batch each time.
pub(super) struct In;
/// COPY TO, some megabytes.
pub(super) struct Out;
/// The same, by somebody who does not read for a while. On a shared link he may be cut off.
pub(super) struct Slow;

impl Client for In {
    const NAME: &'static str = "copy in";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let batch = at.ledger.batches().begin();
        let words = "x".repeat(100);
        let rows: String = (1..=BATCH).map(|n| format!("{batch}\t{n}\t{words}\n")).collect();
        let sql = "COPY batches FROM STDIN";
        let answer = at.stand.psql(UDON_RW, &[sql], rows.as_bytes()).await?;
        at.ledger.batches().acknowledge(batch);
        exactly(&answer, &format!("COPY {BATCH}\n"))
    }
}

impl Client for Out {
    const NAME: &'static str = "copy out";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let rows = at.between(100_000, 400_000);
        let answer = at.stand.psql(UDON_RO, &[&copy(rows)], b"").await?;
        exactly(&answer, &numbers(rows))
    }
}

impl Client for Slow {
    const NAME: &'static str = "slow reader";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let rows = 1_000_000;
        let child = tool::spawn(at.stand.psql_command(UDON_RO, &[&copy(rows)]).await?)?;
        let rest = Duration::from_millis(at.between(500, 5_000).unsigned_abs());
        // Nobody reads meanwhile; that is the point.
        let _whole = at.stop.run_until_cancelled(tokio::time::sleep(rest)).await;
        match tool::finish(child, b"").await?.ok() {
            Ok(answer) => exactly(&answer, &numbers(rows)),
            Err(Trouble::Failed(text)) => Err(Trouble::Excused(text)),
            Err(other) => Err(other),
        }
    }
}

fn copy(rows: i64) -> String {
    format!("COPY (SELECT g FROM generate_series(1, {rows}) g) TO STDOUT")
}
