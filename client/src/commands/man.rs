//! `man`: the man pages, made from what `--help` is made from.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use jiff::Zoned;

use crate::Error;
use crate::cli::{Cli, ManArgs};
use crate::exit::Code;
use crate::output::notes;

pub(super) fn run(args: &ManArgs) -> Result<Code, Error> {
    let mut command = Cli::command();
    command.build();
    let today = Zoned::now().date().to_string();
    let written =
        std::fs::create_dir_all(&args.dir).and_then(|()| write(&command, &args.dir, &today));
    written.map_err(|source| Error::Input { path: args.dir.clone(), source })?;
    notes::note(&format!("read them: man {}", args.dir.join("borealisctl.1").display()));
    Ok(Code::DONE)
}

/// A page for a command, and one for each below it. Without a date a page's other fields move up
/// into its place, and the foot of the page is wrong.
fn write(command: &clap::Command, dir: &Path, date: &str) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(below, dir, date)?;
    }
    let source = format!("borealisctl {}", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).date(date).source(source);
    let mut text = Vec::new();
    page.render(&mut text)?;
    std::fs::write(dir.join(page.get_filename()), spaced(&text))
}

/// An empty line is a space by itself; formatters warn of breaks around one.
fn spaced(page: &[u8]) -> String {
    String::from_utf8_lossy(page).replace("\n.br\n\n.br\n", "\n.sp\n")
}
