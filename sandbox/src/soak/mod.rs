//! `soak`: everything at once, for as long as one likes. Clients whose answers are known beforehand
//! work through a real daemon while faults come and go; at the end nothing may be wrong, hung, left
//! over or down.
//!
//! What is under test is used as a person would: as programs that stand beside this one.

mod course;
mod data;
mod judge;
mod kinds;
mod measure;
mod person;
mod record;
mod report;
mod schedule;
mod stand;
mod tool;
mod weather;
mod workers;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rand::RngExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::sandbox;
use report::Report;
use schedule::Schedule;
use stand::Stand;

/// How long, how, and where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long faults come and clients work; what is before and after takes a minute or two more
    #[arg(long = "for", value_name = "TIME", default_value = "20m", value_parser = duration)]
    time: Duration,
    /// Repeats the schedule of an earlier run [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// The report as JSON
    #[arg(long)]
    json: bool,
    /// Keep the report and all logs in this directory [default: a temporary one, if it fails]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// It could not be run, or it did not hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Sandbox(#[from] sandbox::Error),
    #[error("cannot {what}")]
    Io { what: &'static str, source: io::Error },
    #[error("{0} is not built: cargo build --workspace --bins")]
    NotBuilt(&'static str),
    #[error("cannot write the report")]
    Json(#[from] serde_json::Error),
    #[error("cannot prepare: {0}")]
    Unprepared(String),
    #[error("it did not hold: {0} failures, listed above; the logs are in {1}")]
    Failed(usize, PathBuf),
}

impl Error {
    fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

/// The whole of it. Ctrl+C and SIGTERM end it early and in order: what was until then is judged.
pub(crate) async fn run(options: Options) -> Result<(), Error> {
    let stop = CancellationToken::new();
    let helpers = TaskTracker::new();
    helpers.spawn(stop.clone().run_until_cancelled_owned(on_signal(stop.clone())));
    let seed = options.seed.unwrap_or_else(|| rand::rng().random_range(0..1_000_000));
    let schedule = Schedule::new(seed, options.time);
    say(&format!("seed {seed}, {:?}\n{schedule}", options.time));
    let stand = Arc::new(Stand::start().await?);
    let report = course::run(&stand, &schedule, &stop).await;
    stop.cancel();
    helpers.close();
    helpers.wait().await;
    let kept = report.as_ref().map_or(Ok(None), |report| keep(&options, report, &stand));
    // Ended whatever happened, but a failure to end hides no other.
    let ended = match Arc::into_inner(stand) {
        Some(stand) => stand.stop().await,
        None => Err(Error::Unprepared("a client is still at work".to_owned())),
    };
    let (report, kept) = (report?, kept?);
    ended?;
    let text = if options.json { report.json()? } else { report.to_string() };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(Error::io("write the report"))?;
    match (report.failures.len(), kept) {
        (0, _) => Ok(()),
        (failures, kept) => Err(Error::Failed(failures, kept.unwrap_or_default())),
    }
}

async fn on_signal(stop: CancellationToken) {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else { return };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    say("ending early");
    stop.cancel();
}

/// Where the logs went, if anybody may want them.
fn keep(options: &Options, report: &Report, stand: &Stand) -> Result<Option<PathBuf>, Error> {
    let dir = match &options.keep {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(Error::io("make the directory for the logs"))?;
            dir.clone()
        }
        None if report.failures.is_empty() => return Ok(None),
        None => {
            let made = tempfile::Builder::new().prefix("borealis-soak-").tempdir();
            made.map_err(Error::io("make a directory for the logs"))?.keep()
        }
    };
    stand.keep_logs(&dir).map_err(Error::io("keep the logs"))?;
    std::fs::write(dir.join("report.json"), report.json()?)
        .and_then(|()| std::fs::write(dir.join("report.txt"), report.to_string()))
        .map_err(Error::io("keep the report"))?;
    Ok(Some(dir))
}

/// To stderr: the report alone is the result.
fn say(text: &str) {
    // Nobody is left to hear it.
    drop(writeln!(io::stderr(), "{text}"));
}

/// `90s`, `20m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is no time; try 90s, 20m or 1h");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text.trim_end_matches(unit).parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(number.checked_mul(seconds).ok_or_else(wrong)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, seconds) in [("90s", 90), ("20m", 1200), ("1h", 3600)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "20", "m", "-1s", "1d", "99999999999999999999s", "9999999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
