//! `borealisctl`: says to the daemon what a person typed, and to the person what came of it.
//!
//! It holds no tunnel and no key, and knows neither SSH nor HTTPS: it has to start within
//! milliseconds, because it stands in scripts and prompts. The way of a command is `cli` (what was
//! typed), `commands` (a file a verb), `api` (the daemon), `output` (the only room that prints),
//! `exit` (the only place that knows exit codes).

pub mod api;
pub mod child;
pub mod cli;
pub mod exit;
pub mod git;
pub mod output;
pub mod select;
pub mod start;
pub mod target;

mod choose;
mod commands;
mod complete;
mod conninfo;
mod context;
mod error;
mod passfile;
mod private_dir;
#[cfg(unix)]
mod process;
mod signals;
mod two_factor;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

pub use context::{Context, FindManager};
pub use error::Error;
use exit::Code;
use output::notes;
use start::manager::ServiceManager;

/// The whole program: parses, runs, reports.
pub fn main(argv: impl IntoIterator<Item = OsString>) -> ExitCode {
    main_with(argv, ServiceManager::here)
}

/// The whole program, where somebody else says which service manager this system has.
pub fn main_with(argv: impl IntoIterator<Item = OsString>, manager: FindManager) -> ExitCode {
    let argv: Vec<OsString> = argv.into_iter().collect();
    if complete::answered(&argv) {
        return Code::DONE.into();
    }
    let cli = match cli::Cli::try_parse_from(cli::from_colon_names(argv)) {
        Ok(cli) => cli,
        Err(complaint) => {
            // Help goes to stdout, where a closed pipe is nobody's fault.
            let _closed = complaint.print();
            return if complaint.use_stderr() { Code::USAGE.into() } else { Code::DONE.into() };
        }
    };
    match run(cli, manager) {
        Ok(code) => code.into(),
        Err(error) if error.is_closed_pipe() => Code::DONE.into(),
        Err(error) => {
            notes::failure(&error);
            Code::from(&error).into()
        }
    }
}

fn run(cli: cli::Cli, manager: FindManager) -> Result<Code, Error> {
    notes::set_level(cli.verbosity.level());
    // One thread: all that it does is to wait for the daemon.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let code = runtime.block_on(commands::dispatch(cli.command, manager));
    // A thread that still reads stdin must not keep the program.
    runtime.shutdown_background();
    code
}
