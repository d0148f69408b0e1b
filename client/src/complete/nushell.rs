//! Nushell: its completions are declarations, made from the command line's definition; where a
//! target is due, they ask us.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Generator;
use clap_complete::engine;
use clap_complete::env::EnvCompleter;

use crate::cli::Cli;

/// How the declarations name what asks us.
const LIVE: &str = "nu-complete borealisctl live";

/// The parameters that get it, as the declarations write them.
const TARGETS: [&str; 2] = ["target?: string", "...targets: string"];

pub(super) struct Nushell;

impl EnvCompleter for Nushell {
    fn name(&self) -> &'static str {
        "nushell"
    }

    fn is(&self, name: &str) -> bool {
        matches!(name, "nushell" | "nu")
    }

    fn write_registration(
        &self,
        var: &str,
        _name: &str,
        bin: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut command = Cli::command().bin_name(bin);
        command.build();
        let mut declarations = Vec::new();
        clap_complete_nushell::Nushell.try_generate(&command, &mut declarations)?;
        let mut declarations = String::from_utf8_lossy(&declarations).into_owned();
        for target in TARGETS {
            declarations = declarations.replace(target, &format!("{target}@\"{LIVE}\""));
        }
        let asking = format!(
            "module completions {{\n\n  def \"{LIVE}\" [] {{\n    \
             with-env {{ {var}: \"nushell\" }} {{ ^{completer} -- {bin} status \"\" }} | lines\n  }}\n"
        );
        let declarations = declarations.replacen("module completions {\n", &asking, 1);
        out.write_all(declarations.as_bytes())
    }

    /// The last word is the one to complete; a candidate a line.
    fn write_complete(
        &self,
        command: &mut clap::Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let last = words.len().saturating_sub(1);
        for candidate in engine::complete(command, words, last, here)? {
            let value = candidate.get_value().to_string_lossy();
            if !value.starts_with('-') {
                writeln!(out, "{value}")?;
            }
        }
        Ok(())
    }
}
