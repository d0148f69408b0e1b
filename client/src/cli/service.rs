//! `service`: the daemon as a service of the user's own manager.

use clap::{Args, Subcommand};

/// `service`.
#[derive(Args, Debug)]
pub struct ServiceArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ServiceCommand,
}

/// The verbs of `service`.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Let systemd or launchd start borealisd, at login and when a command needs it
    #[command(after_help = INSTALL)]
    Install,
    /// Take it out again; borealisctl then starts borealisd by itself
    #[command(after_help = UNINSTALL)]
    Uninstall,
    /// Say whether it is installed, where, and how it is
    #[command(after_help = STATUS)]
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) const SERVICE: &str = "\
Examples:
  borealisctl service install
  borealisctl service status
  borealisctl service uninstall";

const INSTALL: &str = "\
Examples:
  borealisctl service install";

const UNINSTALL: &str = "\
Examples:
  borealisctl service uninstall";

const STATUS: &str = "\
Examples:
  borealisctl service status
  borealisctl service status --json";
