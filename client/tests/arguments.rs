//! Command lines: what is accepted, what is refused, and that each help shows examples.

use std::ffi::OsString;
use std::time::Duration;

use borealis_client::cli::{Cli, Command, Format, from_colon_names};
use clap::{CommandFactory, Parser};

fn parse(line: &str) -> Result<Command, String> {
    let argv = from_colon_names(line.split_whitespace().map(OsString::from));
    Cli::try_parse_from(argv).map(|cli| cli.command).map_err(|error| error.to_string())
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn accepted() {
    let lines = [
        "b up sushi/DATABASE",
        "b up sushi::DATABASE maki -w --timeout 2m",
        "b up -a sushi -o DATABASE -p 5433",
        "b up sushi --no-wait --json",
        "b down --all --drain 0",
        "b down sushi -w",
        "b ls --json",
        "b status",
        "b status sushi/DATABASE --json",
        "b wait ses_7k2m --timeout 500ms",
        "b reconnect -r staging",
        "b refresh -a sushi",
        "b tunnel sushi -w -p 5432",
        "b psql -- --csv -c select",
        "b psql sushi -b /usr/bin/psql -- -X",
        "b run sushi -d select",
        "b run -a sushi -i -",
        "b run sushi -u -w -e pg_dump",
        "b run -- rails db:migrate",
        "b env sushi",
        "b url sushi --json",
        "b daemon status --json",
        "b doctor",
        "b doctor --json",
        "b daemon logs -n 5 -f",
        "b completions zsh",
        "b borealis-pg:psql -a sushi -o DATABASE -b psql -p 5432 -w",
        "b borealis-pg:run -a sushi -d select -f csv -u -w",
        "b borealis-pg:tunnel -a sushi -p 5432",
    ];
    for line in lines {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line));
    }
}

#[test]
fn refused() {
    let lines = [
        "b",
        "b open sushi",
        "b up sushi --port 0",
        "b up sushi --port 65536",
        "b up sushi --timeout soon",
        "b up sushi --no-wait --timeout 3s",
        "b up -a sushi -r staging",
        "b down sushi --all",
        "b down --all -a sushi",
        "b ls sushi",
        "b run sushi",
        "b run sushi -d select -i file.sql",
        "b run sushi -d select -- true",
        "b run sushi -e true -f csv",
        "b run sushi -d select -f xml",
        "b psql sushi maki",
        "b daemon",
        "b completions",
    ];
    for line in lines {
        assert!(parse(line).is_err(), "{line} should be refused");
    }
}

#[test]
fn defaults() {
    let Ok(Command::Up(up)) = parse("b up sushi") else { panic!("no up") };
    assert_eq!(up.timeout, Duration::from_secs(30));
    assert!(!up.write_access && !up.no_wait && up.port.is_none());
    let Ok(Command::Down(down)) = parse("b down sushi") else { panic!("no down") };
    assert_eq!(down.drain, Duration::from_secs(10));
    let Ok(Command::Run(run)) = parse("b run sushi -d x") else { panic!("no run") };
    assert_eq!(run.format, Format::Table);
    assert!(!run.personal_user);
}

#[test]
fn arguments_after_the_dashes_are_the_childs() {
    let Ok(Command::Psql(psql)) = parse("b psql sushi -- -w --help -- x") else {
        panic!("no psql")
    };
    assert_eq!(psql.args, ["-w", "--help", "--", "x"]);
    assert!(!psql.write_access);
    let Ok(Command::Run(run)) = parse("b run -- make -w test") else { panic!("no run") };
    assert_eq!(run.program, ["make", "-w", "test"]);
    assert_eq!(run.target.target, None);
}

#[test]
fn every_help_shows_examples_that_parse() {
    fn check(command: &mut clap::Command, path: &str) {
        let help = command.render_long_help().to_string();
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| {
            panic!("no examples in the help of {path}");
        });
        let typed = examples.lines().filter_map(|line| line.trim().strip_prefix("borealisctl "));
        for line in typed {
            // Words of a shell: quotes and redirections are not ours.
            let words = line.split_once(" >").map_or(line, |(command, _)| command);
            let words = words.split("   ").next().unwrap_or_default();
            assert!(parse(&format!("b {}", unquoted(words))).is_ok(), "{path}: {line}");
        }
        for sub in command.get_subcommands_mut() {
            let path = format!("{path} {}", sub.get_name());
            check(sub, &path);
        }
    }
    check(&mut Cli::command(), "borealisctl");
}

/// One word for each quoted text.
fn unquoted(line: &str) -> String {
    let parts = line.split('\'').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { "quoted" } else { part }).collect()
}
