//! The product beside its peers: straight to the server, `ssh -N -L` with its default cipher and
//! with AES-GCM, and ours, against the same sshd and the same Postgres, in turns. The machine's
//! speed drifts, so only what was measured in one turn is compared, and the median of these ratios
//! is what counts.

mod bed;
mod bulk;
mod client;
mod commands;
mod far;
mod far_end;
mod memory;
mod peers;
mod plot;
mod proc;
mod report;
mod sql;
mod stats;
mod targets;
mod way;

use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use bed::Bed;
use report::Report;

/// What to measure, and where the result goes.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Turns of each measurement; the ratio of each turn counts once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=50))]
    rounds: u16,
    /// Only these [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Group>,
    /// Write all figures to a file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw throughput and tail latency into a file, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Measurements that are made together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Plain bytes, both ways, with 1 and 4 connections; CPU of the tunnel's process
    Bulk,
    /// COPY through psql
    Copy,
    /// pgbench -S, with standing connections and with one for each transaction
    Pgbench,
    /// Small queries beside a COPY at full rate, and beside a client that does not read
    Mixed,
    /// Over a round trip of 80 ms
    Far,
    /// Idle tunnels and idle connections
    Memory,
    /// Commands, start-up, and the way from `up` to the first answer
    Commands,
}

/// A measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The sandbox.
    #[error(transparent)]
    Sandbox(#[from] crate::Error),
    /// A change to the sandbox's world.
    #[error("cannot set up the sandbox")]
    World(#[from] crate::world::Error),
    /// A program is missing.
    #[error("{0} is not there; build it in the same profile, or install it")]
    Missing(String),
    /// Something of the operating system.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("{program} failed: {said}")]
    Failed {
        /// Which.
        program: String,
        /// The last that it said.
        said: String,
    },
    /// Postgres, asked by the benchmark itself.
    #[error("Postgres")]
    Postgres(#[from] tokio_postgres::Error),
    /// The answer was not what it has to be.
    #[error("{0}")]
    Wrong(String),
    /// The plot.
    #[error("cannot draw: {0}")]
    Plot(String),
}

impl Error {
    fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

impl Bench {
    /// Measures, writes the files that were asked for, and returns the tables as Markdown.
    pub(crate) async fn run(self) -> Result<String, Error> {
        let mut report = Report::new(self.rounds);
        let near = [Group::Bulk, Group::Copy, Group::Pgbench, Group::Mixed, Group::Commands];
        if near.iter().any(|group| self.wants(*group)) {
            let bed = Bed::near().await?;
            let done = self.near(&bed, &mut report).await;
            bed.finish().await?;
            done?;
        }
        if self.wants(Group::Memory) {
            // A daemon that has done nothing before: what bulk leaves behind is another question.
            let bed = Bed::many().await?;
            let done = memory::measure(&bed, &mut report).await;
            bed.finish().await?;
            done?;
        }
        if self.wants(Group::Far) {
            let bed = Bed::far().await?;
            let done = far::measure(&bed, self.rounds, &mut report).await;
            bed.finish().await?;
            done?;
        }
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(&report).map_err(io::Error::from);
            text.and_then(|text| std::fs::write(path, text + "\n"))
                .map_err(Error::io("write the report"))?;
        }
        if let Some(path) = &self.plot {
            plot::draw(&report, path)?;
        }
        Ok(report.markdown())
    }

    async fn near(&self, bed: &Bed, report: &mut Report) -> Result<(), Error> {
        if self.wants(Group::Bulk) {
            bulk::measure(bed, self.rounds, report).await?;
        }
        if self.wants(Group::Copy) {
            sql::copy(bed, self.rounds, report).await?;
        }
        if self.wants(Group::Pgbench) {
            sql::pgbench(bed, self.rounds, report).await?;
        }
        if self.wants(Group::Mixed) {
            sql::beside(bed, self.rounds, report).await?;
        }
        if self.wants(Group::Commands) {
            commands::measure(bed, self.rounds, report).await?;
        }
        Ok(())
    }

    fn wants(&self, group: Group) -> bool {
        self.only.is_empty() || self.only.contains(&group)
    }
}
