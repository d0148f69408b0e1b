//! What standing around costs: tunnels and connections that nobody uses.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::bed::{Bed, Goal, MORE_APPS};
use super::far_end::Wish;
use super::peers::connect;
use super::report::{Better, Report, Series};
use super::way::Way;
use super::{Error, proc};

const CONNECTIONS: usize = 1000;
/// For what was just done to be over.
const SETTLE: Duration = Duration::from_secs(3);
/// How long wakeups are counted.
const IDLE: Duration = Duration::from_secs(20);
#[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

/// What is the same each time is measured once: memory does not drift with the machine's speed.
pub(super) async fn measure(bed: &Bed, report: &mut Report) -> Result<(), Error> {
    wakeups(bed, report).await?;
    tunnels(bed, report).await?;
    connections(bed, report).await
}

/// Beside its timers: a session a tunnel, two sessions, and nothing to do.
async fn wakeups(bed: &Bed, report: &mut Report) -> Result<(), Error> {
    let daemon = bed.daemon().await?;
    sleep(SETTLE).await;
    let before = proc::wakeups(daemon)?;
    sleep(IDLE).await;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let rate = (proc::wakeups(daemon)? - before) as f64 / IDLE.as_secs_f64();
    let mut series = Series::new("idle daemon, wakeups", "/s", Better::Lower);
    series.add(Way::Ours, rate);
    report.add(series);
    Ok(())
}

async fn connections(bed: &Bed, report: &mut Report) -> Result<(), Error> {
    let mut series = Series::new("1,000 idle connections, on top", "MiB", Better::Lower);
    for way in [Way::Ssh, Way::Ours] {
        let Some(pid) = bed.process(way).await? else { continue };
        let before = proc::anonymous(pid)?;
        let port = bed.port(way, Goal::FarEnd);
        let held = try_join_all((0..CONNECTIONS).map(|_| hold(port))).await?;
        sleep(SETTLE).await;
        series.add(way, mib(proc::anonymous(pid)?.saturating_sub(before)));
        drop(held);
        sleep(SETTLE).await;
    }
    report.add(series);
    Ok(())
}

async fn hold(port: u16) -> Result<TcpStream, Error> {
    let mut stream = connect(port).await?;
    stream.write_all(&Wish::Hold.packet()).await.map_err(Error::io("open a connection"))?;
    Ok(stream)
}

/// One, ten, a hundred: the daemon whole, and the sum of as many `ssh`.
async fn tunnels(bed: &Bed, report: &mut Report) -> Result<(), Error> {
    let daemon = bed.daemon().await?;
    let mut peers = Vec::new();
    // Two tunnels stand already.
    for (number, more) in [(2, 0), (10, 8), (100, MORE_APPS)] {
        while peers.len() < number {
            peers.push(bed.fresh_ssh().await?.0);
        }
        for app in 1..=more {
            bed.up(&[&format!("app-{app}/DATABASE")]).await?;
        }
        sleep(SETTLE).await;
        let each = peers.iter().filter_map(tokio::process::Child::id).map(proc::anonymous);
        let theirs = each.sum::<Result<u64, Error>>()?;
        let mut series =
            Series::new(&format!("{number} idle tunnels, anonymous memory"), "MiB", Better::Lower);
        series.add(Way::Ssh, mib(theirs));
        series.add(Way::Ours, mib(proc::anonymous(daemon)?));
        report.add(series);
    }
    Ok(())
}
