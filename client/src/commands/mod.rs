//! One verb a file. Each says what it does to the daemon and what it prints; the rest is shared.

mod completions;
mod connect;
mod daemon;
mod down;
mod env;
mod ls;
mod psql;
mod reconnect;
mod refresh;
mod run;
mod shared;
mod sql;
mod status;
mod tunnel;
mod up;
mod url;
mod wait;

use crate::cli::Command;
use crate::exit::Code;
use crate::{Context, Error};

/// Runs a verb.
pub(crate) async fn dispatch(command: Command) -> Result<Code, Error> {
    let context = Context::load()?;
    match command {
        Command::Up(args) => up::run(&context, args).await,
        Command::Down(args) => down::run(&context, args).await,
        Command::Ls(args) => ls::run(&context, &args).await,
        Command::Status(args) => status::run(&context, args).await,
        Command::Wait(args) => wait::run(&context, args).await,
        Command::Reconnect(args) => reconnect::run(&context, args).await,
        Command::Refresh(args) => refresh::run(&context, args).await,
        Command::Tunnel(args) => tunnel::run(&context, args).await,
        Command::Psql(args) => psql::run(&context, args).await,
        Command::Run(args) => run::run(&context, args).await,
        Command::Env(args) => env::run(&context, args).await,
        Command::Url(args) => url::run(&context, args).await,
        Command::Daemon(args) => daemon::run(&context, args.command).await,
        Command::Completions(args) => completions::run(&args),
    }
}
