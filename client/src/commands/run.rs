//! `run`: one SQL text, or one program, on a session that lives at least as long as it.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;

use borealis_proto::{Identity, OnError, QueryRequest};
use tokio::process::Command;

use super::shared::{Held, Wish};
use super::sql::{self, Sql};
use crate::cli::{self, RunArgs};
use crate::conninfo::Handed;
use crate::exit::Code;
use crate::{Context, Error, child};

/// What is to be run, complete before anything is opened.
enum What {
    Sql(Sql),
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
        What::Sql(sql) => match sql::run(&held, sql).await {
            // What was not done yet is undone with the query that went with its reader.
            Err(error) if error.is_closed_pipe() => Ok(Code::PIPE),
            ended => ended,
        },
        What::Program(mut command) => {
            // Until the child has ended: the password file goes with it.
            let _handed = Handed::to(&mut command, &held.credentials().await?);
            Ok(child::run(command).await?)
        }
    }
}

fn what(args: &RunArgs) -> Result<What, Error> {
    if let Some(text) = &args.db_cmd {
        return sql(args, text.clone(), true).map(What::Sql);
    }
    if let Some(path) = &args.db_cmd_file {
        let text = read(path).map_err(|source| Error::Input { path: path.clone(), source })?;
        // Editors on Windows begin a file with it; psql leaves it out too.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        return sql(args, text, path != Path::new("-")).map(What::Sql);
    }
    if let Some(text) = &args.shell_cmd {
        return Ok(What::Program(shell(text)));
    }
    let mut words = args.program.iter();
    let mut command = Command::new(program(words.next().cloned().unwrap_or_default()));
    command.args(words);
    Ok(What::Program(command))
}

fn sql(args: &RunArgs, text: String, stdin: bool) -> Result<Sql, Error> {
    let (format, single_transaction) = (args.format, args.single_transaction);
    let on_error = match args.on_error {
        cli::OnError::Stop => OnError::Stop,
        cli::OnError::Continue if single_transaction => {
            return Err(Error::Usage {
                message: "--single-transaction cannot continue after an error: it undoes all"
                    .to_owned(),
                hint: "leave one of the two out".to_owned(),
            });
        }
        cli::OnError::Continue if has_copy_data(&text) => {
            return Err(belongs_into_psql(
                "data of COPY … FROM STDIN stands in the SQL: it would be run",
            ));
        }
        cli::OnError::Continue => OnError::Continue,
    };
    if text.len() > QueryRequest::LONGEST_SQL {
        return Err(belongs_into_psql("the SQL is longer than 4 MiB"));
    }
    Ok(Sql { text, format, on_error, single_transaction, stdin })
}

/// As in what pg_dump writes. Sent as a whole, it is refused as a whole; statement by statement,
/// what stands between semicolons in a row of data would be SQL.
fn has_copy_data(text: &str) -> bool {
    sql::names_stdin(text) && text.lines().any(|line| line == r"\.")
}

fn belongs_into_psql(message: &str) -> Error {
    Error::Usage {
        message: message.to_owned(),
        hint: "psql does that: borealisctl psql TARGET -w -- -f FILE".to_owned(),
    }
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
fn program(typed: OsString) -> OsString {
    typed
}

/// `npm` is `npm.cmd` there, which the system's own search does not find.
#[cfg(windows)]
fn program(typed: OsString) -> OsString {
    which::which(&typed).map_or(typed, Into::into)
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
