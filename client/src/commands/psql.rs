//! `psql`: the user's own psql on a session that lives at least as long as it. Credentials go
//! through the environment, never through arguments that every user of the machine can read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use borealis_proto::{Identity, Session};
use tokio::process::Command;

use super::shared::{Held, Wish};
use crate::cli::PsqlArgs;
use crate::conninfo::Handed;
use crate::exit::Code;
use crate::{Context, Error, child, private_dir};

pub(super) async fn run(context: &Context, args: PsqlArgs) -> Result<Code, Error> {
    let program = find(args.binary_path)?;
    let held = Held::open(
        context,
        &Wish {
            target: &args.target,
            write_access: args.write_access,
            identity: Identity::Personal,
            port: args.port,
        },
    )
    .await?
    .up()?;
    let credentials = held.credentials().await?;
    let mut command = command(&program, &held.session, &args.args);
    // Until psql has ended: the password file goes with it.
    let _handed = Handed::to(&mut command, &credentials);
    if let Some(history) = history(&context.paths.state_dir, &held.session.app) {
        command.env("PSQL_HISTORY", history);
    }
    Ok(child::run(command).await?)
}

/// Looked for before anything is opened.
fn find(named: Option<PathBuf>) -> Result<PathBuf, Error> {
    let program = named.unwrap_or_else(|| PathBuf::from("psql"));
    let found = which::which(&program);
    found.map_err(|_missing| child::Error::NotFound { program }.into())
}

fn command(program: &Path, session: &Session, args: &[OsString]) -> Command {
    // %R%# is psql's own `=>`, `->` inside of a statement, `=#` for a superuser.
    let prompt = format!("{}::{}%R%# ", session.app, session.attachment);
    let mut command = Command::new(program);
    command.arg("--set").arg(format!("PROMPT1={prompt}"));
    command.arg("--set").arg(format!("PROMPT2={prompt}"));
    command.args(args);
    command
}

/// A file for each app: what was typed into one database is a trap in another. Where the user has
/// said something, that counts: `HEROKU_PSQL_HISTORY` as for Heroku's own psql, a directory or a
/// file; `PSQL_HISTORY` as it is.
fn history(state_dir: &Path, app: &str) -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match (var("HEROKU_PSQL_HISTORY"), var("PSQL_HISTORY")) {
        (Some(path), _) if path.is_dir() => Some(path.join(app)),
        (Some(path), _) => Some(path),
        (None, Some(_)) => None,
        (None, None) => {
            let directory = state_dir.join("psql_history");
            // Without a history psql still works.
            private_dir::create(&directory).ok().map(|()| directory.join(app))
        }
    }
}
