//! Those that read: psql, our own `psql` and `run`, and pg_dump.

use super::super::data::DUMPED;
use super::super::stand::{ARCHIVE_RO, TARGETS, Target};
use super::super::tool::{self, Trouble};
use super::{At, Client, exactly, numbers};

/// The user's psql, on any of the sessions.
pub(super) struct Psql;
/// `borealisctl psql`.
pub(super) struct OwnPsql;
/// `borealisctl run -u`.
pub(super) struct RunPersonal;
/// `borealisctl run`, as the application's user.
pub(super) struct RunApplication;
/// `pg_dump` of a table that never changes.
pub(super) struct Dump;

impl Client for Psql {
    const NAME: &'static str = "psql";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let target = any(at);
        let rows = at.between(1, 3_000);
        let sql = format!("SELECT g, g * g FROM generate_series(1, {rows}) g");
        let answer = at.stand.psql(target, &[&sql], b"").await?;
        let expected: String = (1..=rows).map(|n| format!("{n},{}\n", n * n)).collect();
        exactly(&answer, &expected)
    }
}

impl Client for OwnPsql {
    const NAME: &'static str = "borealisctl psql";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let target = any(at);
        let rows = at.between(1, 300);
        let sql = series(rows);
        let rest = ["--", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", &sql];
        let answer = at.stand.on("psql", target, &rest).await?.ok()?;
        exactly(&answer, &numbers(rows))
    }
}

impl Client for RunPersonal {
    const NAME: &'static str = "borealisctl run -u";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        run(at, &["-u"]).await
    }
}

impl Client for RunApplication {
    const NAME: &'static str = "borealisctl run";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        run(at, &[]).await
    }
}

impl Client for Dump {
    const NAME: &'static str = "pg_dump";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let url = at.stand.url(ARCHIVE_RO).await?;
        let mut command = at.stand.command("pg_dump");
        command.args(["--data-only", "--no-owner", "--table", "dumped"]).arg(url);
        let dump = tool::run(command, b"").await?.ok()?;
        let dump = String::from_utf8_lossy(&dump);
        let rows: String = (1..=DUMPED).map(|n| format!("{n}\trow {}\n", n * 7)).collect();
        let whole = dump.contains(&format!("FROM stdin;\n{rows}\\.\n"))
            && dump.contains("PostgreSQL database dump complete");
        if whole {
            Ok(())
        } else {
            Err(Trouble::Wrong(format!("a dump of {} bytes that is not whole", dump.len())))
        }
    }
}

async fn run(at: &mut At<'_>, user: &[&str]) -> Result<(), Trouble> {
    let target = any(at);
    let rows = at.between(1, 3_000);
    let sql = series(rows);
    let rest = [user, &["-d", &sql, "-f", "csv"]].concat();
    let answer = at.stand.on("run", target, &rest).await?.ok()?;
    exactly(&answer, &format!("g\n{}", numbers(rows)))
}

fn any(at: &mut At<'_>) -> Target {
    at.one_of(&TARGETS, ARCHIVE_RO)
}

fn series(rows: i64) -> String {
    format!("SELECT g FROM generate_series(1, {rows}) g")
}
