//! The data that clients work on, and what is known of it whatever happens: money is neither made
//! nor lost, a commit that was acknowledged is there, and no batch is there by half.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Error;
use super::record::Record;
use super::stand::{RAMEN_RW, Stand};
use super::tool;

/// Accounts, each with [`BALANCE`] at first.
pub(super) const ACCOUNTS: i64 = 50;
const BALANCE: i64 = 1000;
/// What they hold together, always.
pub(super) const TOTAL: i64 = ACCOUNTS * BALANCE;
/// Rows of the table that is dumped.
pub(super) const DUMPED: i64 = 20_000;
/// Rows of a batch.
pub(super) const BATCH: i64 = 2_000;

/// By database: what is made before anything begins.
const TABLES: [(&str, &str); 3] = [
    (
        "d1",
        "CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
         INSERT INTO accounts SELECT id, 1000 FROM generate_series(1, 50) id;
         CREATE TABLE counters (n bigint PRIMARY KEY);
         GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC",
    ),
    (
        "d3",
        "CREATE TABLE dumped AS SELECT id, 'row ' || id * 7 AS words FROM generate_series(1, 20000) id",
    ),
    (
        "d4",
        "CREATE TABLE batches (batch bigint NOT NULL, n int NOT NULL, words text NOT NULL);
         GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC",
    ),
];

/// Writes that were tried, and whether each was acknowledged. One that was not may or may not have
/// happened.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    counters: Writes,
    batches: Writes,
}

/// By a number of the writer's own.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// Never held across an await.
    acknowledged: Mutex<BTreeMap<i64, bool>>,
}

impl Writes {
    /// The number of a write that is about to be tried.
    pub(super) fn begin(&self) -> i64 {
        let mut writes = self.all();
        let number = writes.last_key_value().map_or(1, |(last, _)| last + 1);
        writes.insert(number, false);
        number
    }

    pub(super) fn acknowledge(&self, number: i64) {
        self.all().insert(number, true);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<i64, bool>> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is not as was promised. `found`: by number, how many rows are there; `whole`: how many
    /// a write has.
    fn broken(&self, found: &BTreeMap<i64, i64>, whole: i64) -> Vec<String> {
        let writes = self.all();
        let missing = writes.iter().filter(|(_, acknowledged)| **acknowledged);
        let missing = missing
            .filter(|(number, _)| !found.contains_key(number))
            .map(|(number, _)| format!("write {number} was acknowledged and is not there"));
        let half = found
            .iter()
            .filter(|(_, rows)| **rows != whole)
            .map(|(number, rows)| format!("write {number} has {rows} of {whole} rows"));
        let strange = found.keys().filter(|number| !writes.contains_key(number));
        let strange = strange.map(|number| format!("nobody wrote {number}"));
        missing.chain(half).chain(strange).collect()
    }
}

impl Ledger {
    pub(super) fn counters(&self) -> &Writes {
        &self.counters
    }

    pub(super) fn batches(&self) -> &Writes {
        &self.batches
    }

    /// Looks at everything, as superuser. Nobody may be writing.
    pub(super) async fn audit(&self, stand: &Stand, record: &Record) {
        let questions = [
            ("d1", "SELECT n, count(*) FROM counters GROUP BY n", &self.counters, 1),
            ("d4", "SELECT batch, count(*) FROM batches GROUP BY batch", &self.batches, BATCH),
        ];
        for (database, sql, writes, whole) in questions {
            match pairs(stand, database, sql).await {
                Ok(found) => {
                    for broken in writes.broken(&found, whole) {
                        record.fail(&format!("audit of {database}: {broken}"));
                    }
                }
                Err(error) => record.fail(&format!("audit of {database}: {error}")),
            }
        }
        let sums = [
            ("d1", "SELECT sum(balance), count(*) FROM accounts", format!("{TOTAL}, {ACCOUNTS}")),
            ("d2", PGBENCH, "true".to_owned()),
        ];
        for (database, sql, expected) in sums {
            match texts(stand, database, sql).await {
                Ok(found) if found == expected => {}
                Ok(found) => record.fail(&format!("audit of {database}: {found}, not {expected}")),
                Err(error) => record.fail(&format!("audit of {database}: {error}")),
            }
        }
    }
}

/// Whether pgbench's own books agree.
const PGBENCH: &str = "SELECT (a = t AND t = b AND b = h)::text FROM \
    (SELECT sum(abalance) a FROM pgbench_accounts) a, (SELECT sum(tbalance) t FROM pgbench_tellers) t, \
    (SELECT sum(bbalance) b FROM pgbench_branches) b, \
    (SELECT coalesce(sum(delta), 0) h FROM pgbench_history) h";

/// The tables; sessions must be up.
pub(super) async fn prepare(stand: &Stand) -> Result<(), Error> {
    for (database, sql) in TABLES {
        stand.sandbox.sql(database, sql).await?;
    }
    let failed = |trouble| Error::Unprepared(format!("pgbench: {trouble:?}"));
    let url = stand.url(RAMEN_RW).await.map_err(failed)?;
    let mut command = stand.command("pgbench");
    command.args(["--initialize", "--quiet"]).arg(url);
    tool::run(command, b"").await.and_then(tool::Ended::ok).map_err(failed)?;
    Ok(())
}

async fn texts(stand: &Stand, database: &str, sql: &str) -> Result<String, Error> {
    let rows = stand.sandbox.sql(database, sql).await?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let row = |row: &Vec<Option<String>>| row.iter().map(text).collect::<Vec<_>>().join(", ");
    Ok(rows.iter().map(row).collect::<Vec<_>>().join("; "))
}

async fn pairs(stand: &Stand, database: &str, sql: &str) -> Result<BTreeMap<i64, i64>, Error> {
    let rows = stand.sandbox.sql(database, sql).await?;
    let number = |value: Option<&Option<String>>| value?.as_ref()?.parse().ok();
    let pair = |row: &Vec<Option<String>>| Some((number(row.first())?, number(row.get(1))?));
    let read: Option<BTreeMap<i64, i64>> = rows.iter().map(pair).collect();
    read.ok_or_else(|| Error::Unprepared(format!("{database} does not answer in numbers")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_may_be_there_must_be_there_or_must_not() {
        let writes = Writes::default();
        let (acknowledged, unknown) = (writes.begin(), writes.begin());
        writes.acknowledge(acknowledged);
        let broken =
            |found: &[(i64, i64)]| writes.broken(&found.iter().copied().collect(), 10).len();
        assert_eq!(broken(&[(acknowledged, 10)]), 0);
        assert_eq!(broken(&[(acknowledged, 10), (unknown, 10)]), 0);
        assert_eq!(broken(&[(unknown, 10)]), 1, "lost");
        assert_eq!(broken(&[(acknowledged, 10), (unknown, 9)]), 1, "by half");
        assert_eq!(broken(&[(acknowledged, 11)]), 1, "twice");
        assert_eq!(broken(&[(acknowledged, 10), (99, 10)]), 1, "nobody's");
    }
}
