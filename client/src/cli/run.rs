//! The arguments of `run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum, ValueHint};

use super::OneTarget;

pub(super) const RUN: &str = "\
Examples:
  borealisctl run sushi/DATABASE -d 'select * from rolls' -f csv
  borealisctl run sushi/DATABASE -w -i migrate.sql --single-transaction
  cat rolls.csv | borealisctl run sushi/DATABASE -w -d 'copy rolls from stdin csv'
  borealisctl run sushi/DATABASE -u -e 'pg_dump > sushi.sql'
  borealisctl run sushi/DATABASE -w -- bin/rails db:migrate";

/// `run`.
#[derive(Args, Debug)]
#[command(
    override_usage = "borealisctl run [OPTIONS] [TARGET] <-d SQL|-i FILE|-e SHELL|-- CMD ARGS>"
)]
#[command(group(
    ArgGroup::new("what").required(true).args(["db_cmd", "db_cmd_file", "shell_cmd", "program"])
))]
pub struct RunArgs {
    /// What to open.
    #[command(flatten)]
    pub target: OneTarget,
    /// SQL to run
    // It may begin with a comment.
    #[arg(short, long, value_name = "SQL", allow_hyphen_values = true)]
    pub db_cmd: Option<String>,
    /// A file with SQL to run; - is stdin
    #[arg(short = 'i', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub db_cmd_file: Option<PathBuf>,
    /// A shell command to run, with PGHOST, …, DATABASE_URL in its environment
    #[arg(short = 'e', long, value_name = "SHELL", allow_hyphen_values = true)]
    pub shell_cmd: Option<OsString>,
    /// A program to run, with the same environment
    #[arg(last = true, value_name = "CMD")]
    pub program: Vec<OsString>,
    /// As your personal user rather than the application's
    #[arg(short = 'u', long)]
    pub personal_user: bool,
    /// As the user that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// Listen on this port
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// How SQL results are printed
    #[arg(short, long, value_enum, default_value_t, conflicts_with_all = ["shell_cmd", "program"])]
    pub format: Format,
    /// After a statement that fails: undo and end, or do the next; each then counts on its own
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    #[arg(conflicts_with_all = ["shell_cmd", "program"])]
    pub on_error: OnError,
    /// All of the SQL in one transaction
    #[arg(long, conflicts_with_all = ["shell_cmd", "program"])]
    pub single_transaction: bool,
}

/// How `run` prints rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns, as psql prints them
    #[default]
    Table,
    /// As COPY writes it: NULL is empty, an empty text is ""
    Csv,
    /// One array of objects a result
    Json,
    /// One object a line
    Ndjson,
    /// One document a result, a list of mappings
    Yaml,
}

/// What `run` does after a statement that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Undo what was not committed, and end
    #[default]
    Stop,
    /// Do the next one, and end with 1 all the same
    Continue,
}
