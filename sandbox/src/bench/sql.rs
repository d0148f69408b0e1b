//! What people do: COPY, many small transactions, and small queries beside others' work.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, NoTls};
use tokio_util::task::TaskTracker;

use super::Error;
use super::bed::{Bed, Goal};
use super::bulk::rounds_of;
use super::client::{finish, millis};
use super::report::{Better, Report, Series};
use super::stats::quantile;
use super::way::Way;

/// Rows of documents: Postgres and psql are quicker than any tunnel, and so what is measured is the
/// tunnel. 512 MB in all.
const LONG_ROWS: Copy = Copy {
    sql: "copy (select repeat('x', 7999) from generate_series(1, 64000)) to stdout",
    bytes: 64_000.0 * 8_000.0,
};
/// Rows of a plain table: how quickly Postgres makes them and psql takes them is most of what is
/// measured. 260 MB in all.
const SHORT_ROWS: Copy = Copy {
    sql: "copy (select repeat('x', 129) from generate_series(1, 2000000)) to stdout",
    bytes: 2_000_000.0 * 130.0,
};
/// For each run of pgbench.
const SECONDS: u64 = 3;
/// How long small queries are asked beside something else.
const BESIDE: Duration = Duration::from_secs(3);
/// For that something to be under way.
const WARM: Duration = Duration::from_millis(500);

/// A table's rows, to a client.
struct Copy {
    sql: &'static str,
    /// That the client is sent.
    bytes: f64,
}

/// psql writes the rows to nowhere.
pub(super) async fn copy(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    let rows = [("COPY through psql", LONG_ROWS), ("COPY through psql, short rows", SHORT_ROWS)];
    for (name, copy) in rows {
        let mut rate = Series::new(name, "MiB/s", Better::Higher);
        for way in rounds_of(rounds, &Way::ALL) {
            let mut command = bed.psql(bed.port(way, Goal::Postgres), copy.sql);
            command.stdout(Stdio::null());
            let began = Instant::now();
            finish_quietly(command).await?;
            rate.add(way, copy.bytes / 1_048_576.0 / began.elapsed().as_secs_f64());
        }
        report.add(rate);
    }
    Ok(())
}

pub(super) async fn pgbench(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    let mut prepare = bed.libpq("pgbench", bed.port(Way::Direct, Goal::Postgres));
    prepare.args(["-i", "-q", "-s", "5"]);
    finish(prepare).await?;
    for (clients, reconnect) in [(1, false), (8, false), (32, false), (1, true), (8, true)] {
        let each = if reconnect { ", a connection each" } else { "" };
        let name = format!("pgbench -S c{clients}{each}");
        let mut rate = Series::new(&name, "tps", Better::Higher);
        for way in rounds_of(rounds, &Way::ALL) {
            let port = bed.port(way, Goal::Postgres);
            rate.add(way, transactions(bed.libpq("pgbench", port), clients, reconnect).await?);
        }
        report.add(rate);
    }
    Ok(())
}

/// A second.
async fn transactions(mut command: Command, clients: u16, reconnect: bool) -> Result<f64, Error> {
    let (clients, seconds) = (clients.to_string(), SECONDS.to_string());
    command.args(["-n", "-S", "-c", &clients, "-T", &seconds]);
    if reconnect {
        command.arg("-C");
    }
    let (said, _) = finish(command).await?;
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = line.and_then(|line| line.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| Error::Wrong(format!("pgbench said {said}")))
}

/// Small queries alone, beside a COPY at full rate, and beside a client that has stopped reading.
pub(super) async fn beside(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    let mut alone = Series::new("small query, alone, p50", "ms", Better::Lower);
    let mut middle = Series::new("small query beside a COPY, p50", "ms", Better::Lower);
    let mut tail = Series::new("small query beside a COPY, p99", "ms", Better::Lower);
    let mut stopped = Series::new("small query beside a stopped reader, p50", "ms", Better::Lower);
    for way in rounds_of(rounds, &Way::ALL) {
        let port = bed.port(way, Goal::Postgres);
        // Before the COPY: a person's psql is open already.
        let client = Asker::connect(bed, port).await?;
        alone.add(way, client.ask().await?.at(0.5)?);
        let copying = copying(bed, port)?;
        sleep(WARM).await;
        let times = client.ask().await?;
        drop(copying);
        middle.add(way, times.at(0.5)?);
        tail.add(way, times.at(0.99)?);
        // ssh's answer to this is its default; it is measured for ours alone, and beside direct.
        if matches!(way, Way::Direct | Way::Ours) {
            let reader = stopped_reader(bed, port)?;
            sleep(WARM).await;
            stopped.add(way, client.ask().await?.at(0.5)?);
            drop(reader);
        }
    }
    report.compare("beside a stopped reader against alone, p50", &stopped, &alone);
    for series in [alone, middle, tail, stopped] {
        report.add(series);
    }
    Ok(())
}

/// COPY after COPY, until it is dropped.
fn copying(bed: &Bed, port: u16) -> Result<Child, Error> {
    let mut command = bed.psql(port, LONG_ROWS.sql);
    for _ in 0..40 {
        command.args(["-c", LONG_ROWS.sql]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(Error::io("run psql"))
}

/// Its output is a pipe that nobody reads.
fn stopped_reader(bed: &Bed, port: u16) -> Result<Child, Error> {
    let mut command = bed.psql(port, LONG_ROWS.sql);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().map_err(Error::io("run psql"))
}

/// One standing connection that asks a small thing, again and again.
struct Asker {
    client: Client,
    _connection: TaskTracker,
}

/// How long each answer took, in milliseconds.
struct Times(Vec<f64>);

impl Asker {
    async fn connect(bed: &Bed, port: u16) -> Result<Self, Error> {
        let mut config = tokio_postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(port)
            .user(&bed.personal.user)
            .password(&bed.personal.password)
            .dbname(&bed.personal.database);
        let (client, connection) = config.connect(NoTls).await?;
        let tasks = TaskTracker::new();
        tasks.spawn(async move {
            // The client hears of its end.
            let _ended = connection.await;
        });
        Ok(Self { client, _connection: tasks })
    }

    async fn ask(&self) -> Result<Times, Error> {
        let statement = self.client.prepare("select 1").await?;
        let until = Instant::now() + BESIDE;
        let mut times = Vec::new();
        while Instant::now() < until {
            let began = Instant::now();
            self.client.query_one(&statement, &[]).await?;
            times.push(millis(began.elapsed()));
        }
        Ok(Times(times))
    }
}

impl Times {
    fn at(&self, part: f64) -> Result<f64, Error> {
        quantile(&self.0, part).ok_or_else(|| Error::Wrong("nothing was answered".to_owned()))
    }
}

/// For output that goes elsewhere.
async fn finish_quietly(mut command: Command) -> Result<(), Error> {
    let status = command.status().await.map_err(Error::io("run psql"))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { program: "psql".to_owned(), said: status.to_string() })
}
