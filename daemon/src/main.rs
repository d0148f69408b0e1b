//! The `borealisd` program: settings, limits and log, then [`borealisd::run`] until a signal.
//!
//! Nothing is decided here but exit codes: everything else can be tested in the library.

mod cli;

use std::error::Error as StdError;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use borealis_proto::{Paths, Settings, SettingsError};
use borealisd::config::{Config, ConfigError};
use borealisd::platform::{self, DirError, LogError};
use borealisd::{RunError, run};
use clap::Parser;
use tokio_util::sync::CancellationToken;

/// What blocks in a thread of its own (a DNS lookup, a slow disk) may not keep the process alive.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// What a shell shows for a program that Ctrl+C ended.
const IMPATIENT: u8 = 130;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read the settings file {path}", path = .0.display())]
    SettingsFile(PathBuf, #[source] io::Error),
    #[error("{path}", path = .0.display())]
    Settings(PathBuf, #[source] SettingsError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot set the limits of the process")]
    Limits(#[source] io::Error),
    #[error("the state directory cannot be used")]
    StateDir(#[from] DirError),
    #[error("there is no log")]
    Log(#[from] LogError),
    #[error("the runtime does not start")]
    Runtime(#[source] io::Error),
    #[error("left at once, as asked")]
    Impatient,
    #[error("does not serve on {socket}", socket = .0.display())]
    Run(PathBuf, #[source] RunError),
}

impl Error {
    /// 2 is for what the user has to set right.
    fn exit_code(&self) -> u8 {
        match self {
            Self::SettingsFile(..) | Self::Settings(..) | Self::Config(_) => 2,
            Self::Log(LogError::Filter(_)) => 2,
            Self::Log(LogError::Twice(_)) => 1,
            Self::Limits(_) | Self::StateDir(_) | Self::Runtime(_) => 1,
            Self::Impatient => IMPATIENT,
            Self::Run(_, error) => error.exit_code(),
        }
    }
}

fn main() -> ExitCode {
    let cli::Cli {} = cli::Cli::parse();
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn start() -> Result<(), Error> {
    let settings = settings()?;
    let mut config = Config::new(&settings, |name| std::env::var(name).ok())?;
    platform::settle_the_heap();
    platform::tighten().map_err(Error::Limits)?;
    platform::private_dir(&config.paths.state_dir)?;
    let (log, trouble) = platform::init_log(settings.log.as_deref(), &config.paths.log_file())?;
    config.log = log.to_string();
    config
        .troubles
        .extend(trouble.map(|error| format!("the log {log} cannot be written: {error}")));
    serve(config)
}

/// A settings file that is not there is an empty one.
fn settings() -> Result<Settings, Error> {
    let path = Paths::config_file(|name| std::env::var_os(name)).unwrap_or_default();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::SettingsFile(path, error)),
    };
    let env = |name: &str| std::env::var(name).ok();
    Settings::resolve(text.as_deref(), env).map_err(|error| Error::Settings(path, error))
}

/// One thread: relaying costs less CPU so than on several.
fn serve(config: Config) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let (shutdown, socket) = (CancellationToken::new(), config.paths.socket.clone());
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = run(config, shutdown.clone()) => ended.map_err(|error| Error::Run(socket, error)),
            () = asked_twice(shutdown.clone()) => Err(Error::Impatient),
        }
    });
    // Drops all tasks, and with them what they would leave behind.
    runtime.shutdown_timeout(LAST_PATIENCE);
    ended
}

/// Without signals the daemon can still be stopped through its API.
async fn asked_twice(shutdown: CancellationToken) {
    if let Err(error) = platform::cancel_on_signal(shutdown).await {
        tracing::warn!(%error, "cannot listen for signals");
        std::future::pending().await
    }
}

/// One line, to the log and to whoever started us; the client shows it when the start fails.
fn report(error: &Error) {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let text = source.to_string();
        // Some errors repeat their cause.
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = source.source();
    }
    if error.exit_code() == 0 {
        tracing::info!("{line}");
    } else {
        tracing::error!("{line}");
    }
    // Nobody may be listening there.
    let _written = writeln!(io::stderr(), "borealisd: {line}");
}
