//! The README's table of commands and the program are of one opinion.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::collections::BTreeSet;

use borealis_client::cli::Cli;
use clap::CommandFactory;

#[test]
fn every_command_is_in_the_table_and_nothing_else() {
    let (told, known) = (told(), known());
    let missing: Vec<_> = known.difference(&told).collect();
    let invented: Vec<_> = told.difference(&known).collect();
    assert!(missing.is_empty(), "not in the README's table: {missing:?}");
    assert!(invented.is_empty(), "in the README's table, and no command: {invented:?}");
}

/// `up`, and `daemon start` for a verb that has verbs of its own.
fn known() -> BTreeSet<String> {
    let command = Cli::command();
    let visible = |command: &&clap::Command| !command.is_hide_set();
    let mut known = BTreeSet::new();
    for verb in command.get_subcommands().filter(visible) {
        let mut below = verb.get_subcommands().filter(visible).peekable();
        if below.peek().is_none() {
            known.insert(verb.get_name().to_owned());
        }
        known.extend(below.map(|sub| format!("{} {}", verb.get_name(), sub.get_name())));
    }
    known
}

/// The spans of code in the first column. A span that begins with a verb is that verb, with its
/// sub-verb if one follows; any other continues the row: `daemon start`, `stop`, `-i FILE`.
fn told() -> BTreeSet<String> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, table) = readme.split_once("| command | does |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let command = Cli::command();
    let mut told = BTreeSet::new();
    for row in rows {
        let cell = row.replace("\\|", " ");
        let cell = cell.trim_start_matches('|').split('|').next().unwrap();
        let mut last = None;
        for span in cell.split('`').skip(1).step_by(2) {
            let mut words = span.split(' ').filter(|word| is_a_verb(word));
            let Some(first) = words.next() else { continue };
            let of_last = last.and_then(|verb: &clap::Command| verb.find_subcommand(first));
            if let (Some(sub), Some(verb)) = (of_last, last) {
                told.insert(format!("{} {}", verb.get_name(), sub.get_name()));
                continue;
            }
            let verb = command.find_subcommand(first);
            last = verb;
            let sub = words.next().and_then(|word| Some((verb?.find_subcommand(word), word)));
            told.insert(match sub {
                Some((_, sub)) => format!("{first} {sub}"),
                // `users` is told by `users reset`.
                None if verb.is_some_and(clap::Command::has_subcommands) => continue,
                None => first.to_owned(),
            });
        }
    }
    told
}

/// Neither `TARGET` nor `--all` nor `[-u]`.
fn is_a_verb(word: &str) -> bool {
    !word.is_empty()
        && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        && !word.starts_with('-')
}
