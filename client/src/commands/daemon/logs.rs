//! `daemon logs`: the end of the log, wherever the daemon keeps it, also when it does not run.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::sleep;

use crate::cli::LogsArgs;
use crate::exit::Code;
use crate::output::notes;
use crate::start::manager::ServiceManager;
use crate::{Context, Error, child, output};

/// How the daemon says that its log is the journal …
const JOURNAL: &str = "journal";
/// … or the terminal that it was started at.
const TERMINAL: &str = "stderr";

/// Between two looks at a file that is followed.
const LOOK: Duration = Duration::from_millis(200);

pub(in crate::commands) async fn run(context: &Context, args: &LogsArgs) -> Result<Code, Error> {
    match location(context).await {
        Location::Journal => Ok(child::run(journal(args)).await?),
        Location::File(path) => print(&path, args).await,
        Location::Terminal => {
            notes::note("the daemon was started at a terminal, and says there what it does");
            Ok(Code::DONE)
        }
    }
}

enum Location {
    Journal,
    File(PathBuf),
    Terminal,
}

/// A daemon that does not answer is not asked twice: its log is wanted all the more.
async fn location(context: &Context) -> Location {
    let info = match context.running_daemon() {
        Ok(api) => api.daemon().await.ok(),
        Err(_no_key) => None,
    };
    match info.map(|info| info.log) {
        Some(log) if log == JOURNAL => Location::Journal,
        Some(log) if log == TERMINAL => Location::Terminal,
        Some(log) => Location::File(PathBuf::from(log)),
        None => without_daemon(context),
    }
}

/// Where its unit would write. A file may be of the days before there was one.
fn without_daemon(context: &Context) -> Location {
    let usual = context.paths.log_file();
    let by_unit = matches!(context.service(), Some(ServiceManager::Systemd(_))) || !usual.exists();
    match cfg!(target_os = "linux") && by_unit && which::which("journalctl").is_ok() {
        true => Location::Journal,
        false => Location::File(usual),
    }
}

fn journal(args: &LogsArgs) -> Command {
    let mut command = Command::new("journalctl");
    command.args(["--user", "--unit", "borealisd", "--lines"]).arg(args.lines.to_string());
    if args.follow {
        command.arg("--follow");
    }
    command
}

async fn print(path: &Path, args: &LogsArgs) -> Result<Code, Error> {
    let mut position = 0;
    let text = read_from(path, &mut position).map_err(Error::Log)?;
    output::print(last_lines(&text, args.lines))?;
    if args.follow { follow(path, position).await } else { Ok(Code::DONE) }
}

/// Until Ctrl+C, which nobody catches here.
async fn follow(path: &Path, mut position: u64) -> Result<Code, Error> {
    loop {
        sleep(LOOK).await;
        // Between two files of a rotation there may be none.
        if let Ok(text) = read_from(path, &mut position) {
            output::print(&text)?;
        }
    }
}

/// What is new since `position`; all of it in a file that is shorter than that, for it is new.
fn read_from(path: &Path, position: &mut u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() < *position {
        *position = 0;
    }
    file.seek(SeekFrom::Start(*position))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    *position += bytes.len() as u64;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn last_lines(text: &str, count: usize) -> &str {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let start = match count.checked_sub(1) {
        None => text.len(),
        Some(before) => body.rmatch_indices('\n').nth(before).map_or(0, |(at, _)| at + 1),
    };
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines() {
        let table = [(0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (9, "a\nb\nc\n")];
        for (count, end) in table {
            assert_eq!(last_lines("a\nb\nc\n", count), end, "{count}");
        }
        assert_eq!(last_lines("", 5), "");
    }

    #[test]
    fn a_rotated_file_is_read_from_its_start() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut position = 0;
        std::fs::write(file.path(), "one\ntwo\n").unwrap();
        assert_eq!(read_from(file.path(), &mut position).unwrap(), "one\ntwo\n");
        assert_eq!(read_from(file.path(), &mut position).unwrap(), "");
        std::fs::write(file.path(), "new\n").unwrap();
        assert_eq!(read_from(file.path(), &mut position).unwrap(), "new\n");
    }
}
