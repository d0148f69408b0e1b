//! The command line: what may be typed, and the help that says so. Parsing only; what a command
//! does stands in `commands`, a file a verb.

mod addon;
mod addon_examples;
mod args;
mod backends;
mod duration;
mod examples;
mod legacy;
mod looking;
mod run;
mod service;

use clap::{Parser, Subcommand};

pub use addon::{
    AddonArgs, ConfirmFlag, ConfirmedArgs, DeregisterArgs, ExecuteArgs, ExtensionsArgs,
    ExtensionsCommand, InstallArgs, IntegrationsArgs, IntegrationsCommand, NameArgs, RegisterArgs,
    RestoreArgs, RestoreCommand, UninstallArgs, UpgradeArgs, UpgradeCommand, UsersArgs,
    UsersCommand,
};
pub use args::{
    ConnectArgs, DaemonArgs, DaemonCommand, DownArgs, LogsArgs, LsArgs, ManyTargets, OneTarget,
    OpenedArgs, PsqlArgs, StatusArgs, TargetFlags, TunnelArgs, UpArgs, WaitArgs,
};
pub use backends::{KillArgs, LocksArgs, PsArgs};
pub use legacy::from_colon_names;
pub use looking::{
    CompletionsArgs, DoctorArgs, ExportArgs, ExportTool, ExportedArgs, ManArgs, Shell, Verbosity,
};
pub use run::{Format, OnError, RunArgs};
pub use service::{ServiceArgs, ServiceCommand};

/// Keeps SSH tunnels to Borealis Isolated Postgres add-ons open, and uses them.
#[derive(Debug, Parser)]
#[command(name = "borealisctl", version, arg_required_else_help = true)]
#[command(after_help = examples::ALL, disable_help_subcommand = true)]
pub struct Cli {
    /// The verb.
    #[command(subcommand)]
    pub command: Command,
    /// How much is said beside the result.
    #[command(flatten)]
    pub verbosity: Verbosity,
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
    /// Print what happens to sessions, as it happens, one JSON a line
    #[command(after_help = looking::EVENTS)]
    Events,
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
    #[command(after_help = run::RUN)]
    Run(RunArgs),
    /// List the queries that run in a database
    #[command(after_help = backends::PS)]
    Ps(PsArgs),
    /// List queries that hold exclusive locks
    #[command(after_help = backends::LOCKS)]
    Locks(LocksArgs),
    /// Cancel a query, or end its connection
    #[command(after_help = backends::KILL)]
    Kill(KillArgs),
    /// Print shell variables for a session, with its password
    #[command(after_help = examples::ENV)]
    Env(ConnectArgs),
    /// Print a session's URL, with its password
    #[command(after_help = examples::URL)]
    Url(ConnectArgs),
    /// Print a session as tools import it
    #[command(after_help = looking::EXPORT)]
    Export(ExportArgs),
    /// Show an add-on: plan, region, storage, status
    #[command(after_help = addon_examples::INFO)]
    Info(AddonArgs),
    /// List, install and remove Postgres extensions
    #[command(after_help = addon_examples::EXTENSIONS)]
    Extensions(ExtensionsArgs),
    /// List database users, or reset their credentials
    #[command(after_help = addon_examples::USERS)]
    Users(UsersArgs),
    /// List, register and remove data integrations
    #[command(after_help = addon_examples::INTEGRATIONS)]
    Integrations(IntegrationsArgs),
    /// Make a new add-on with the data of another
    #[command(after_help = addon_examples::RESTORE)]
    Restore(RestoreArgs),
    /// Upgrade to the next major version of Postgres
    #[command(after_help = addon_examples::UPGRADE)]
    Upgrade(UpgradeArgs),
    /// Look after the daemon
    #[command(after_help = examples::DAEMON)]
    Daemon(DaemonArgs),
    /// Let systemd or launchd start borealisd
    #[command(after_help = service::SERVICE)]
    Service(ServiceArgs),
    /// Say what is well and what is not, and what to type next
    #[command(after_help = looking::DOCTOR)]
    Doctor(DoctorArgs),
    /// Print completions for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Write the man pages into a directory
    #[command(after_help = looking::MAN)]
    Man(ManArgs),
}
