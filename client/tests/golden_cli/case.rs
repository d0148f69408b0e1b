//! One line typed, and the file with what comes of it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::fake::{Ended, Fake, Script, command};

/// See the module.
#[derive(Clone)]
pub struct Case {
    /// `extensions install`.
    pub command: &'static str,
    name: String,
    /// What follows the command.
    rest: String,
    code: i32,
    daemon: Option<Script>,
    /// Programs that are found before all others.
    programs: Vec<(&'static str, &'static str)>,
    files: Vec<(&'static str, &'static str)>,
    usual_place: bool,
}

impl Case {
    /// With a daemon that answers like this.
    pub fn new(command: &'static str, name: &str, rest: &str, code: i32, daemon: Script) -> Self {
        Self {
            command,
            name: name.to_owned(),
            rest: rest.to_owned(),
            code,
            daemon: Some(daemon),
            programs: Vec::new(),
            files: Vec::new(),
            usual_place: false,
        }
    }

    /// With no daemon, and none that could be started.
    pub fn alone(command: &'static str, name: &str, rest: &str, code: i32) -> Self {
        let daemon = None;
        Self { daemon, ..Self::new(command, name, rest, code, Script::with_sessions(&[])) }
    }

    pub fn program(mut self, name: &'static str, script: &'static str) -> Self {
        self.programs.push((name, script));
        self
    }

    pub fn file(mut self, name: &'static str, text: &'static str) -> Self {
        self.files.push((name, text));
        self
    }

    /// Socket and state where a service manager expects them.
    pub fn in_the_usual_place(mut self) -> Self {
        self.usual_place = true;
        self
    }

    pub fn path(&self) -> String {
        format!("{}/{}.txt", self.command.replace(' ', "-"), self.name)
    }

    pub fn succeeds(&self) -> bool {
        self.code == 0
    }

    pub fn is_json(&self) -> bool {
        self.succeeds() && self.rest.contains("--json")
    }

    /// What the file ought to say. Fails the test if the exit code is another one.
    pub fn run(&self) -> String {
        let line = format!("{} {}", self.command, self.rest);
        let words: Vec<&str> = line.split_whitespace().collect();
        let ended = match &self.daemon {
            Some(script) => {
                let fake = Fake::start(script.clone());
                self.end(fake.dir(), fake.command(&words))
            }
            None => {
                let dir = tempfile::tempdir().unwrap();
                self.end(dir.path(), command(dir.path(), &words))
            }
        };
        let Ended { code, stdout, stderr } = ended;
        assert_eq!(code, Some(self.code), "{line}: {stdout}{stderr}");
        let between = if stderr.is_empty() { "" } else { "--- stderr\n" };
        format!("$ borealisctl {}\n{stdout}{between}{stderr}--- exit {}\n", line.trim(), self.code)
    }

    fn end(&self, dir: &Path, mut command: Command) -> Ended {
        let programs = dir.join("programs");
        std::fs::create_dir(&programs).unwrap();
        for (name, script) in &self.programs {
            let path = programs.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        for (name, text) in &self.files {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", programs.display()));
        command.env("TZ", "UTC").env("LC_ALL", "C.UTF-8").stdin(std::process::Stdio::null());
        if self.usual_place {
            command.env_remove("BOREALIS_SOCKET").env_remove("BOREALIS_STATE_DIR");
            command.env("XDG_RUNTIME_DIR", dir.join("runtime"));
        }
        let ended = Ended::from(command.output().unwrap());
        let lasting = |text: &str| without_ages(&text.replace(dir.to_str().unwrap(), "$DIR"));
        Ended { stdout: lasting(&ended.stdout), stderr: lasting(&ended.stderr), ..ended }
    }
}

/// `3 hours ago`, `in 5 seconds` and `after 0 seconds` are other words at another time.
fn without_ages(text: &str) -> String {
    text.split('\n').map(without_age).collect::<Vec<_>>().join("\n")
}

fn without_age(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let unit = words.get(at + 1).copied().unwrap_or_default();
        let number = words[at].trim_start_matches('(');
        if number.parse::<u64>().is_ok() && is_unit(unit) {
            kept.push(if words[at].starts_with('(') { "(…" } else { "…" });
            at += 1;
        } else {
            kept.push(words[at]);
        }
        at += 1;
    }
    kept.join(" ")
}

fn is_unit(word: &str) -> bool {
    let word = word.trim_end_matches('s');
    ["second", "minute", "hour", "day"].contains(&word)
}
