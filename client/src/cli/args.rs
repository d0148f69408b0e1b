//! The arguments of each verb. Names follow the existing client wherever it has them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};
use clap_complete::engine::ArgValueCandidates;

use super::{duration, examples};
use crate::complete;

/// Where `--help` lists these.
pub(super) const BY_FLAGS: &str = "Target by flags";

/// A target by flags, as people know them from Heroku's own commands.
#[derive(Args, Clone, Debug, Default)]
pub struct TargetFlags {
    /// The app [default: HEROKU_APP, else the one app of the git remotes]
    #[arg(short, long, value_name = "APP", help_heading = BY_FLAGS)]
    #[arg(add = ArgValueCandidates::new(complete::apps))]
    pub app: Option<String>,
    /// The add-on, or the name of its attachment
    #[arg(short = 'o', long, value_name = "ADDON", help_heading = BY_FLAGS)]
    #[arg(add = ArgValueCandidates::new(complete::addons))]
    pub addon: Option<String>,
    /// The git remote that names the app
    #[arg(short, long, value_name = "REMOTE", conflicts_with = "app", help_heading = BY_FLAGS)]
    #[arg(add = ArgValueCandidates::new(complete::remotes))]
    pub remote: Option<String>,
}

/// One target.
#[derive(Args, Clone, Debug, Default)]
pub struct OneTarget {
    /// APP/ATTACHMENT, APP, an add-on's name or UUID, or a session's id
    #[arg(value_name = "TARGET", add = ArgValueCandidates::new(complete::targets))]
    pub target: Option<String>,
    /// The same by flags.
    #[command(flatten)]
    pub flags: TargetFlags,
}

/// Any number of targets.
#[derive(Args, Clone, Debug, Default)]
pub struct ManyTargets {
    /// APP/ATTACHMENT, APP, an add-on's name or UUID
    #[arg(value_name = "TARGET", add = ArgValueCandidates::new(complete::targets))]
    pub targets: Vec<String>,
    /// One by flags.
    #[command(flatten)]
    pub flags: TargetFlags,
}

/// `up`.
#[derive(Args, Debug)]
pub struct UpArgs {
    /// What to open.
    #[command(flatten)]
    pub targets: ManyTargets,
    /// As the user that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// Listen on this port; chosen once and then kept without it
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Do not wait for the session to be up
    #[arg(long, conflicts_with = "timeout")]
    pub no_wait: bool,
    /// How long to wait for the session to be up
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub timeout: Duration,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `down`.
#[derive(Args, Debug)]
pub struct DownArgs {
    /// What to close.
    #[command(flatten)]
    pub targets: ManyTargets,
    /// Close every session
    #[arg(long, conflicts_with_all = ["targets", "app", "addon", "remote", "write_access"])]
    pub all: bool,
    /// Close only the session that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// How long running connections may go on
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub drain: Duration,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `ls`.
#[derive(Args, Debug)]
pub struct LsArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Which session; all without it.
    #[command(flatten)]
    pub target: OneTarget,
    /// The session that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// Stay, and show each change as it comes
    #[arg(long)]
    pub watch: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `wait`.
#[derive(Args, Debug)]
pub struct WaitArgs {
    /// Which session.
    #[command(flatten)]
    pub target: OneTarget,
    /// The session that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// Give up after this; waits without end by default
    #[arg(long, value_name = "DURATION", value_parser = duration::unbounded)]
    pub timeout: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `reconnect` and `refresh`.
#[derive(Args, Debug)]
pub struct OpenedArgs {
    /// Which session.
    #[command(flatten)]
    pub target: OneTarget,
    /// The session that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// How long to wait for the session to be up again
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub timeout: Duration,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `url` and `env`.
#[derive(Args, Debug)]
pub struct ConnectArgs {
    /// Which session.
    #[command(flatten)]
    pub target: OneTarget,
    /// The session that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// How long to wait for the credentials
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub timeout: Duration,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `tunnel`.
#[derive(Args, Debug)]
pub struct TunnelArgs {
    /// What to open.
    #[command(flatten)]
    pub target: OneTarget,
    /// As the user that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// Listen on this port
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}

/// `psql`.
#[derive(Args, Debug)]
pub struct PsqlArgs {
    /// What to open.
    #[command(flatten)]
    pub target: OneTarget,
    /// As the user that may write
    #[arg(short, long)]
    pub write_access: bool,
    /// Listen on this port
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// The psql program [default: the one on PATH]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::ExecutablePath)]
    pub binary_path: Option<PathBuf>,
    /// All go to psql
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<OsString>,
}

/// `daemon`.
#[derive(Args, Debug)]
pub struct DaemonArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DaemonCommand,
}

/// The verbs of `daemon`.
#[derive(Debug, Subcommand)]
pub enum DaemonCommand {
    /// Start it, if it does not run
    #[command(after_help = examples::DAEMON_START)]
    Start,
    /// Stop it; its sessions come back when it starts again
    #[command(after_help = examples::DAEMON_STOP)]
    Stop,
    /// Stop it and start it
    #[command(after_help = examples::DAEMON_RESTART)]
    Restart,
    /// Say how it is
    #[command(after_help = examples::DAEMON_STATUS)]
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the end of its log
    #[command(after_help = examples::DAEMON_LOGS)]
    Logs(LogsArgs),
}

/// `daemon logs`.
#[derive(Args, Debug)]
pub struct LogsArgs {
    /// How many lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub lines: usize,
    /// Go on printing what comes
    #[arg(short, long)]
    pub follow: bool,
}
