//! `run`: one SQL text, or one program, on a session that lives at least as long as it.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;

use borealis_proto::{Credentials, Identity};
use tokio::process::Command;

use super::shared::{Held, Wish};
use super::sql;
use crate::cli::RunArgs;
use crate::exit::Code;
use crate::{Context, Error, child, conninfo};

/// What is to be run, complete before anything is opened.
enum What {
    Sql(String),
    Program(Command),
}

pub(super) async fn run(context: &Context, args: RunArgs) -> Result<Code, Error> {
    let what = what(&args)?;
    let identity = if args.personal_user { Identity::Personal } else { Identity::Application };
    let held = Held::open(
        context,
        &Wish { target: &args.target, write_access: args.write_access, identity, port: args.port },
    )
    .await?
    .up()?;
    match what {
        What::Sql(text) => sql::run(&held, text, args.format).await,
        What::Program(mut command) => {
            prepare(&mut command, &held.credentials().await?);
            Ok(child::run(command).await?)
        }
    }
}

fn what(args: &RunArgs) -> Result<What, Error> {
    if let Some(sql) = &args.db_cmd {
        return Ok(What::Sql(sql.clone()));
    }
    if let Some(path) = &args.db_cmd_file {
        return read(path)
            .map(What::Sql)
            .map_err(|source| Error::Input { path: path.clone(), source });
    }
    if let Some(text) = &args.shell_cmd {
        return Ok(What::Program(shell(text)));
    }
    let mut words = args.program.iter();
    let mut command = Command::new(words.next().cloned().unwrap_or_default());
    command.args(words);
    Ok(What::Program(command))
}

fn read(path: &Path) -> io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

#[cfg(unix)]
fn shell(text: &OsString) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(text);
    command
}

/// `cmd` does not follow the usual rules of quoting: it gets the text as it is.
#[cfg(windows)]
fn shell(text: &OsString) -> Command {
    let mut command = Command::new("cmd");
    command.arg("/C").raw_arg(text);
    command
}

fn prepare(command: &mut Command, credentials: &Credentials) {
    command.envs(conninfo::environment(credentials));
    for name in conninfo::MISLEADING {
        command.env_remove(name);
    }
}
