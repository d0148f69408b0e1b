//! `completions`: what a shell has to know to complete our commands.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::Code;
use crate::{Error, output};

pub(super) fn run(args: &CompletionsArgs) -> Result<Code, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "borealisctl", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Code::DONE)
}
