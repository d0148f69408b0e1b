//! The arguments of what shows, exports and completes, and of how much is said meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{OneTarget, duration};
use crate::output::notes::Level;

/// `--quiet` and `--verbose`, which every command has.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Verbosity {
    /// Leave out notes and progress
    #[arg(short, long, global = true, display_order = 900)]
    pub quiet: bool,
    /// Say on stderr what is asked of the daemon, and how long it takes
    #[arg(long, global = true, conflicts_with = "quiet", display_order = 901)]
    pub verbose: bool,
}

impl Verbosity {
    /// The level that was asked for.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self { quiet: true, .. } => Level::Quiet,
            Self { verbose: true, .. } => Level::Verbose,
            Self { .. } => Level::Normal,
        }
    }
}

/// `export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// For what.
    #[command(subcommand)]
    pub tool: ExportTool,
}

/// What can be exported to.
#[derive(Debug, Subcommand)]
pub enum ExportTool {
    /// Print a section for libpq's service file; no secret in it
    #[command(after_help = SERVICE)]
    Service(ExportedArgs),
    /// Print a line for libpq's password file, with the password
    #[command(after_help = PGPASS)]
    Pgpass(ExportedArgs),
    /// Print JSON for pgAdmin's import; no secret in it
    #[command(after_help = PGADMIN)]
    Pgadmin(ExportedArgs),
    /// Print JSON for DBeaver's data-sources.json; no secret in it
    #[command(after_help = DBEAVER)]
    Dbeaver(ExportedArgs),
}

/// `export …`.
#[derive(Args, Debug)]
pub struct ExportedArgs {
    /// Which session.
    #[command(flatten)]
    pub target: OneTarget,
    /// The session that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// How long to wait for the credentials
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub timeout: Duration,
}

/// `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The shells that we complete in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "their names say it, and would be repeated in the help")]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

/// `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Where the pages go; made if it is not there
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}

pub(super) const EVENTS: &str = "\
Examples:
  borealisctl events
  borealisctl events > events.ndjson";

pub(super) const EXPORT: &str = "\
Examples:
  borealisctl export service sushi/DATABASE >> ~/.pg_service.conf
  (umask 077; borealisctl export pgpass sushi/DATABASE >> ~/.pgpass)
  borealisctl export pgadmin sushi/DATABASE > servers.json
  borealisctl export dbeaver sushi/DATABASE > data-sources.json";

const SERVICE: &str = "\
Examples:
  borealisctl export service sushi/DATABASE >> ~/.pg_service.conf
  borealisctl export service sushi/DATABASE --write-access";

const PGPASS: &str = "\
Examples:
  (umask 077; borealisctl export pgpass sushi/DATABASE >> ~/.pgpass)";

const PGADMIN: &str = "\
Examples:
  borealisctl export pgadmin sushi/DATABASE > servers.json";

const DBEAVER: &str = "\
Examples:
  borealisctl export dbeaver sushi/DATABASE > data-sources.json";

pub(super) const DOCTOR: &str = "\
Examples:
  borealisctl doctor
  borealisctl doctor --json

It ends with 0 when nothing is a problem; else the first problem decides: 5 for the Heroku login,
3 for the daemon, 1 for all others.";

pub(super) const MAN: &str = "\
Examples:
  borealisctl man ~/.local/share/man/man1";
