//! `completions`: what a shell has to know to complete our commands.

use crate::cli::CompletionsArgs;
use crate::exit::Code;
use crate::{Error, complete, output};

pub(super) fn run(args: &CompletionsArgs) -> Result<Code, Error> {
    let script = complete::script(args.shell)?;
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Code::DONE)
}
