//! How long a person waits for a command.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Error;
use super::bed::{Bed, Goal, POSTGRES};
use super::client::{answers, finish, millis};
use super::report::{Better, Report, Series};
use super::way::Way;

/// Commands are short: several in each turn.
const EACH: u16 = 4;
/// Between looks at whether a daemon serves.
const LOOK: Duration = Duration::from_millis(1);

pub(super) async fn measure(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    looking(bed, rounds * EACH, report).await?;
    asking(bed, rounds * EACH, report).await?;
    opening(bed, rounds, report).await?;
    starting(bed, rounds, report).await
}

async fn looking(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    let mut series = Series::new("borealisctl ls", "ms", Better::Lower);
    for _ in 0..rounds {
        series.add(Way::Ours, millis(finish(bed.programs.ctl(&["ls"])).await?.1));
    }
    report.add(series);
    Ok(())
}

/// One small question on an open session, by `run` and by psql through the same endpoint.
async fn asking(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    let mut run = Series::new("run -d 'select 1', open session", "ms", Better::Lower);
    let mut psql = Series::new("psql -c 'select 1', same endpoint", "ms", Better::Lower);
    let port = bed.port(Way::Ours, Goal::Postgres);
    let args = ["run", POSTGRES, "-u", "-w", "-f", "csv", "-d", "select 1"];
    for _ in 0..rounds {
        run.add(Way::Ours, millis(answers(bed.programs.ctl(&args), "?column?\n1").await?));
        psql.add(Way::Ours, millis(answers(bed.psql(port, "select 1"), "1").await?));
    }
    report.compare("run -d against psql -c", &run, &psql);
    report.add(run);
    report.add(psql);
    Ok(())
}

/// From nothing open to the first answer; the daemon runs.
async fn opening(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    let mut series = Series::new("nothing open → first answer", "ms", Better::Lower);
    for _ in 0..rounds {
        finish(bed.programs.ctl(&["down", "app-1/DATABASE", "--drain", "0"])).await.ok();
        let began = Instant::now();
        bed.up(&["app-1/DATABASE"]).await?;
        let args = ["psql", "app-1/DATABASE", "--", "-X", "-A", "-t", "-c", "select 1"];
        answers(bed.programs.ctl(&args), "1").await?;
        series.add(Way::Ours, millis(began.elapsed()));
        let began = Instant::now();
        let (_ssh, port) = bed.fresh_ssh().await?;
        answers(bed.psql(port, "select 1"), "1").await?;
        series.add(Way::Ssh, millis(began.elapsed()));
    }
    finish(bed.programs.ctl(&["down", "app-1/DATABASE", "--drain", "0"])).await?;
    report.add(series);
    Ok(())
}

/// From the start of the daemon's process to an answer on its socket, with two sessions wanted.
async fn starting(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    let mut series = Series::new("borealisd, start → serving", "ms", Better::Lower);
    for _ in 0..rounds {
        finish(bed.programs.ctl(&["daemon", "stop"])).await?;
        let began = Instant::now();
        let mut daemon = bed.programs.daemon();
        let child = daemon.kill_on_drop(false).spawn().map_err(Error::io("run borealisd"))?;
        while bed.programs.ask_socket().await.is_err() {
            if began.elapsed() > Duration::from_secs(10) {
                return Err(Error::Wrong("borealisd does not serve".to_owned()));
            }
            sleep(LOOK).await;
        }
        series.add(Way::Ours, millis(began.elapsed()));
        drop(child);
    }
    report.add(series);
    Ok(())
}
