//! The command line: `serve` is a sandbox; everything else talks to one through its admin API.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::admin::{Failure, Info, Query};
use crate::fault::Fault;
use crate::keys::{HostKeyType, KeyFormat};
use crate::options::Options;
use crate::postgres::Rows;
use crate::requests::Request;
use crate::sandbox::{self, Sandbox};
use crate::soak;

/// The Borealis service on one machine
#[derive(Parser)]
#[command(name = "borealis-sandbox", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Keep a sandbox up, and print the environment to use it with
    Serve(Serve),
    /// Drive clients through borealisd and make everything go wrong meanwhile
    Soak(soak::Options),
    /// Make something go wrong
    Fault {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        fault: Fault,
    },
    /// Show what the APIs were asked
    Requests {
        #[command(flatten)]
        at: At,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Forget them instead
        #[arg(long)]
        clear: bool,
    },
    /// Ask Postgres as superuser
    Sql {
        #[command(flatten)]
        at: At,
        /// d1 to d5, or postgres
        database: String,
        /// One or more statements
        sql: String,
    },
    /// Measure borealisd beside a plain connection and `ssh -L`; takes a quarter of an hour
    #[cfg(target_os = "linux")]
    Bench(crate::bench::Bench),
    /// Show addresses, process ids and counts, as JSON
    Info {
        #[command(flatten)]
        at: At,
    },
}

#[derive(Args)]
struct Serve {
    /// Where all files go; must not exist yet [default: a temporary directory]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Write the environment to a file as well
    #[arg(long)]
    env_file: Option<PathBuf>,
    /// Format of the personal SSH keys
    #[arg(long, value_enum, default_value_t)]
    key: KeyFormat,
    /// Type of sshd's host key
    #[arg(long, value_enum, default_value_t)]
    host_key: HostKeyType,
    /// A Heroku login to accept [default: a new one]
    #[arg(long, value_name = "TOKEN")]
    api_key: Vec<String>,
}

/// Which sandbox.
#[derive(Args)]
struct At {
    /// The URL of its admin API
    #[arg(long = "sandbox", env = "BOREALIS_SANDBOX", value_name = "URL")]
    url: String,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Sandbox(#[from] sandbox::Error),
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Bench(#[from] crate::bench::Error),
    #[error(transparent)]
    Soak(#[from] soak::Error),
    #[error("cannot write the result")]
    Output(#[from] io::Error),
    #[error("no sandbox answers there; is `borealis-sandbox serve` running?")]
    NotThere(#[from] reqwest::Error),
    #[error("{0}")]
    Refused(String),
    #[error("cannot show the answer")]
    Json(#[from] serde_json::Error),
}

/// The whole program.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .init();
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(execute(cli.command)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when stderr is gone as well.
            drop(writeln!(io::stderr(), "borealis-sandbox: {}", crate::chain(&error)));
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command) -> Result<(), Error> {
    match command {
        Command::Serve(options) => serve(options).await,
        Command::Soak(options) => Ok(soak::run(options).await?),
        Command::Fault { at, fault } => at.fault(&fault).await,
        Command::Requests { at, clear: true, .. } => at.clear_requests().await,
        Command::Requests { at, json, .. } => {
            let list = at.requests().await?;
            print(&if json { serde_json::to_string_pretty(&list)? + "\n" } else { table(&list) })
        }
        Command::Sql { at, database, sql } => {
            print(&rows(&at.sql(&Query { database, sql }).await?))
        }
        #[cfg(target_os = "linux")]
        Command::Bench(bench) => print(&bench.run().await?),
        Command::Info { at } => print(&(serde_json::to_string_pretty(&at.info().await?)? + "\n")),
    }
}

async fn serve(wanted: Serve) -> Result<(), Error> {
    // Before anything is started, so that an early Ctrl+C ends it in order too.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let options = Options {
        dir: wanted.dir,
        key: wanted.key,
        host_key: wanted.host_key,
        api_keys: wanted.api_key,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await?;
    let exports = exports(&sandbox.environment());
    if let Some(file) = &wanted.env_file {
        write_private(file, &exports)?;
    }
    print(&exports)?;
    writeln!(io::stderr(), "ready")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(sandbox.stop().await?)
}

impl At {
    async fn fault(&self, fault: &Fault) -> Result<(), Error> {
        self.send(client()?.post(self.path("/fault")).json(fault)).await.map(drop)
    }

    async fn requests(&self) -> Result<Vec<Request>, Error> {
        Ok(self.send(client()?.get(self.path("/requests"))).await?.json().await?)
    }

    async fn clear_requests(&self) -> Result<(), Error> {
        self.send(client()?.delete(self.path("/requests"))).await.map(drop)
    }

    async fn sql(&self, query: &Query) -> Result<Rows, Error> {
        Ok(self.send(client()?.post(self.path("/sql")).json(query)).await?.json().await?)
    }

    async fn info(&self) -> Result<Info, Error> {
        Ok(self.send(client()?.get(self.path("/info"))).await?.json().await?)
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Error> {
        let response = request.send().await?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(Error::Refused(response.json::<Failure>().await?.message))
        }
    }
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    // A proxy of the environment knows nothing of our loopback.
    reqwest::Client::builder().no_proxy().build()
}

fn exports(environment: &[(String, String)]) -> String {
    let quoted = |value: &str| value.replace('\'', r"'\''");
    environment.iter().map(|(name, value)| format!("export {name}='{}'\n", quoted(value))).collect()
}

fn table(requests: &[Request]) -> String {
    let line = |one: &Request| {
        let status = one.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let Request { sequence, at, api, method, path, .. } = one;
        format!("{sequence:>4}  {at:.3}  {api:<8}  {status:>3}  {method:<6} {path}\n")
    };
    requests.iter().map(line).collect()
}

/// Tab-separated; NULL is `\N`, as in COPY.
fn rows(rows: &Rows) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| r"\N".to_owned());
    let line = |row: &Vec<Option<String>>| row.iter().map(value).collect::<Vec<_>>().join("\t");
    rows.iter().map(|row| line(row) + "\n").collect()
}

fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// There is a token in it.
fn write_private(path: &Path, content: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(content.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_survive_a_shell() {
        let lines = exports(&[("A".to_owned(), "it's".to_owned())]);
        assert_eq!(lines, "export A='it'\\''s'\n");
    }

    #[test]
    fn null_and_empty_differ() {
        let all = vec![vec![Some("a".to_owned()), None, Some(String::new())]];
        assert_eq!(rows(&all), "a\t\\N\t\n");
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
