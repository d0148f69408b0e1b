//! The arguments of `ps`, `locks` and `kill`, as people know them from `heroku pg:*`.

use clap::Args;

use super::{OneTarget, TargetFlags};

pub(super) const PS: &str = "\
Examples:
  borealisctl ps sushi/DATABASE
  borealisctl ps sushi --idle
  borealisctl ps sushi --json";

pub(super) const LOCKS: &str = "\
Examples:
  borealisctl locks sushi/DATABASE
  borealisctl locks sushi --write-access --json";

pub(super) const KILL: &str = "\
Examples:
  borealisctl kill sushi/DATABASE 4711
  borealisctl kill --app sushi 4711 --force";

/// `ps`.
#[derive(Args, Debug)]
pub struct PsArgs {
    /// Whose queries.
    #[command(flatten)]
    pub target: OneTarget,
    /// As the user that may write, who sees the application's queries
    #[arg(short, long)]
    pub write_access: bool,
    /// Also connections that do nothing
    #[arg(long)]
    pub idle: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `locks`.
#[derive(Args, Debug)]
pub struct LocksArgs {
    /// Whose locks.
    #[command(flatten)]
    pub target: OneTarget,
    /// As the user that may write, who sees the application's queries
    #[arg(short, long)]
    pub write_access: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kill`.
#[derive(Args, Debug)]
#[command(override_usage = "borealisctl kill [OPTIONS] [TARGET] <PID>")]
pub struct KillArgs {
    /// The target, unless flags name it, and the PID that `ps` shows
    #[arg(value_name = "TARGET|PID", required = true, num_args = 1..=2)]
    pub words: Vec<String>,
    /// The target by flags.
    #[command(flatten)]
    pub flags: TargetFlags,
    /// End the whole connection, not only what it does
    #[arg(short, long)]
    pub force: bool,
    /// As the user that may write; tried by itself where the reader may not
    #[arg(short, long)]
    pub write_access: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
