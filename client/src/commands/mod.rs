//! One verb a file. Each says what it does to the daemon and what it prints; the rest is shared.

mod addon;
mod backends;
mod completions;
mod connect;
mod daemon;
mod doctor;
mod down;
mod env;
mod events;
mod export;
mod extensions;
mod info;
mod integrations;
mod kill;
mod locks;
mod ls;
mod man;
mod ps;
mod psql;
mod reconnect;
mod refresh;
mod restore;
mod run;
mod service;
mod shared;
mod sql;
mod status;
mod stdin;
mod tunnel;
mod up;
mod upgrade;
mod url;
mod users;
mod wait;

use crate::cli::Command;
use crate::context::FindManager;
use crate::exit::Code;
use crate::{Context, Error};

/// Runs a verb.
pub(crate) async fn dispatch(command: Command, manager: FindManager) -> Result<Code, Error> {
    let context = match (Context::load(manager), &command) {
        (Ok(context), _) => context,
        // A finding of its, among others.
        (Err(error), Command::Doctor(args)) => {
            return doctor::without_settings(&error, args).await;
        }
        (Err(error), _) => return Err(error),
    };
    match command {
        Command::Up(args) => up::run(&context, args).await,
        Command::Down(args) => down::run(&context, args).await,
        Command::Ls(args) => ls::run(&context, &args).await,
        Command::Status(args) => status::run(&context, args).await,
        Command::Events => events::run(&context).await,
        Command::Wait(args) => wait::run(&context, args).await,
        Command::Reconnect(args) => reconnect::run(&context, args).await,
        Command::Refresh(args) => refresh::run(&context, args).await,
        Command::Tunnel(args) => tunnel::run(&context, args).await,
        Command::Psql(args) => psql::run(&context, args).await,
        Command::Run(args) => run::run(&context, args).await,
        Command::Ps(args) => ps::run(&context, &args).await,
        Command::Locks(args) => locks::run(&context, &args).await,
        Command::Kill(args) => kill::run(&context, args).await,
        Command::Env(args) => env::run(&context, args).await,
        Command::Url(args) => url::run(&context, args).await,
        Command::Export(args) => export::run(&context, args.tool).await,
        Command::Info(args) => info::run(&context, &args).await,
        Command::Extensions(args) => extensions::run(&context, args).await,
        Command::Users(args) => users::run(&context, args).await,
        Command::Integrations(args) => integrations::run(&context, args).await,
        Command::Restore(args) => restore::run(&context, args).await,
        Command::Upgrade(args) => upgrade::run(&context, args).await,
        Command::Daemon(args) => daemon::run(&context, args.command).await,
        Command::Service(args) => service::run(&context, args.command).await,
        Command::Doctor(args) => doctor::run(&context, &args).await,
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}
