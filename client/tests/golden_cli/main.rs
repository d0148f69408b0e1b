//! What every command prints and ends with, for success and for each error it can have, as files:
//! `tests/golden/cli/COMMAND/CASE`, the built program against a daemon that only knows its lines.
//! `UPDATE_GOLDEN=1` writes them anew; nothing else does.
// Service managers and what to install are each system's own.
#![cfg(target_os = "linux")]
#![allow(unreachable_pub, reason = "a program of its own")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may fail them")]

mod about_addons;
mod case;
mod declined;
mod keeping;
mod looking;
mod opening;
mod refusals;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use borealis_client::cli::Cli;
use case::Case;
use clap::CommandFactory;

/// It ends when the daemon does, and that is a failure.
const ENDLESS: &str = "events";

/// Its files are those of `tests/doctor.rs`: what it finds is different on each machine, so more
/// than an age has to be replaced in it.
const ELSEWHERE: &str = "doctor";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli")
}

fn cases() -> Vec<Case> {
    [looking::cases(), opening::cases(), about_addons::cases(), keeping::cases()].concat()
}

#[test]
fn every_command_prints_what_its_files_say() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    for case in cases() {
        let path = directory().join(case.path());
        let actual = case.run();
        if update {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &actual).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        if actual != golden {
            differing.push(format!("=== {}\n{golden}=== is now\n{actual}", case.path()));
        }
    }
    assert!(differing.is_empty(), "UPDATE_GOLDEN=1 writes them anew\n{}", differing.join("\n"));
}

#[test]
fn no_two_cases_share_a_file_and_no_file_is_without_a_case() {
    let all = cases();
    let known: BTreeSet<String> = all.iter().map(Case::path).collect();
    assert_eq!(known.len(), all.len(), "two cases have one name");
    let commands = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    for file in commands.flat_map(|command| std::fs::read_dir(command).unwrap()) {
        let file = file.unwrap().path();
        let name = file.strip_prefix(directory()).unwrap().to_str().unwrap().to_owned();
        assert!(known.contains(&name), "{name} belongs to no case");
    }
}

/// A command that is added without a case fails here.
#[test]
fn every_command_has_a_success_an_error_and_where_it_can_its_json() {
    let mut seen: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases() {
        seen.entry(case.command.to_owned()).or_default().push(case);
    }
    for (command, has_json) in commands() {
        if command == ELSEWHERE {
            continue;
        }
        let cases = seen.remove(&command).unwrap_or_default();
        let any = |fits: fn(&Case) -> bool| cases.iter().any(fits);
        assert!(any(Case::succeeds) || command == ENDLESS, "{command}: no case of success");
        assert!(any(|case| !case.succeeds()), "{command}: no case of an error");
        assert_eq!(any(Case::is_json), has_json, "{command}: --json");
    }
    assert!(seen.is_empty(), "no such commands: {:?}", seen.keys());
}

/// All that can be typed, `extensions` as well as `extensions install`, and whether it has `--json`.
fn commands() -> Vec<(String, bool)> {
    let mut commands = Vec::new();
    let mut waiting = vec![(String::new(), Cli::command())];
    while let Some((path, command)) = waiting.pop() {
        let below = command.get_subcommands().filter(|sub| !sub.is_hide_set());
        waiting.extend(below.map(|sub| {
            let name = format!("{path} {}", sub.get_name()).trim().to_owned();
            (name, sub.clone())
        }));
        let alone = !command.has_subcommands() || command.is_args_conflicts_with_subcommands_set();
        if alone && !path.is_empty() {
            let json = command.get_arguments().any(|argument| argument.get_id() == "json");
            commands.push((path, json));
        }
    }
    commands
}
