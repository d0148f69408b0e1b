//! `man`: the man pages, made from what `--help` is made from.

use clap::CommandFactory;

use crate::Error;
use crate::cli::{Cli, ManArgs};
use crate::exit::Code;
use crate::output::notes;

pub(super) fn run(args: &ManArgs) -> Result<Code, Error> {
    let written = std::fs::create_dir_all(&args.dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), &args.dir));
    written.map_err(|source| Error::Input { path: args.dir.clone(), source })?;
    notes::note(&format!("read them: man {}", args.dir.join("borealisctl.1").display()));
    Ok(Code::DONE)
}
