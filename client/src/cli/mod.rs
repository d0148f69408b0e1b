//! The command line: what may be typed, and the help that says so. Parsing only; what a command
//! does stands in `commands`, a file a verb.

mod args;
mod duration;
mod examples;
mod legacy;

use clap::{Parser, Subcommand};

pub use args::{
    CompletionsArgs, ConnectArgs, DaemonArgs, DaemonCommand, DownArgs, Format, LogsArgs, LsArgs,
    ManyTargets, OneTarget, OpenedArgs, PsqlArgs, RunArgs, StatusArgs, TargetFlags, TunnelArgs,
    UpArgs, WaitArgs,
};
pub use legacy::from_colon_names;

/// Keeps SSH tunnels to Borealis Isolated Postgres add-ons open, and uses them.
#[derive(Debug, Parser)]
#[command(name = "borealisctl", version, arg_required_else_help = true)]
#[command(after_help = examples::ALL, disable_help_subcommand = true)]
pub struct Cli {
    /// The verb.
    #[command(subcommand)]
    pub command: Command,
}

/// Every verb.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open sessions that stay, or say where they already are
    #[command(after_help = examples::UP)]
    Up(UpArgs),
    /// Close sessions, after what is running in them
    #[command(after_help = examples::DOWN)]
    Down(DownArgs),
    /// List all sessions
    #[command(after_help = examples::LS)]
    Ls(LsArgs),
    /// Show sessions in depth: state, why, since when, next try
    #[command(after_help = examples::STATUS)]
    Status(StatusArgs),
    /// Wait until a session is up
    #[command(after_help = examples::WAIT)]
    Wait(WaitArgs),
    /// Give a session a new link, now
    #[command(after_help = examples::RECONNECT)]
    Reconnect(OpenedArgs),
    /// Fetch new credentials for a session, now
    #[command(after_help = examples::REFRESH)]
    Refresh(OpenedArgs),
    /// Open a session and stay until Ctrl+C
    #[command(after_help = examples::TUNNEL)]
    Tunnel(TunnelArgs),
    /// Start psql on a target
    #[command(after_help = examples::PSQL)]
    Psql(PsqlArgs),
    /// Run SQL or a program on a target, as the application's user
    #[command(after_help = examples::RUN)]
    Run(RunArgs),
    /// Print shell variables for a session, with its password
    #[command(after_help = examples::ENV)]
    Env(ConnectArgs),
    /// Print a session's URL, with its password
    #[command(after_help = examples::URL)]
    Url(ConnectArgs),
    /// Look after the daemon
    #[command(after_help = examples::DAEMON)]
    Daemon(DaemonArgs),
    /// Print completions for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
}
