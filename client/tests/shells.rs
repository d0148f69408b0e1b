//! Completions in the shells themselves: set up as `completions --help` says, and Tab pressed on a
//! terminal. PowerShell and nushell are not here: no system's own packages have them.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests may fail them, and say so when they could not do their work"
)]

mod support;

use std::path::Path;
use std::process::Command;

use rexpect::session::{PtySession, spawn_command};
use support::fake::{Fake, Script};
use support::session;

const PATIENCE_MS: u64 = 30_000;

/// What only the daemon knows, half typed. As it stands it means nothing.
const HALF: &str = "sushi/DAT";

/// A person at a shell, with an open session.
struct Desk {
    fake: Fake,
    shell: &'static str,
}

impl Desk {
    /// `None` where there is no such shell, after saying so. Required in CI, which installs them.
    fn with(shell: &'static str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap();
        if !std::env::split_paths(&path).any(|dir| dir.join(shell).is_file()) {
            assert!(std::env::var_os("BOREALIS_REQUIRE_SHELLS").is_none(), "{shell} is required");
            eprintln!("NOT RUN: completions in {shell}, which is not installed");
            return None;
        }
        let fake = Fake::start(Script::with_sessions(&[session("sushi", "DATABASE")]));
        Some(Self { fake, shell })
    }

    /// Puts our script where the shell looks for it.
    fn install(&self, file: &str) {
        let script = self.fake.run(&["completions", self.shell]);
        assert_eq!(script.code, Some(0), "{script:?}");
        self.write(file, &script.stdout);
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.fake.dir().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// The shell, in a home that has nothing but what was written there.
    fn command(&self, args: &[&str]) -> Command {
        let ours = Path::new(env!("CARGO_BIN_EXE_borealisctl")).parent().unwrap();
        let path = format!("{}:{}", ours.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(self.shell);
        command.args(args).env_clear().current_dir(self.fake.dir());
        let like_ours = self.fake.command(&[]);
        command.envs(like_ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", path).env("HOME", self.fake.dir()).env("ZDOTDIR", self.fake.dir());
        command.env("XDG_RUNTIME_DIR", self.fake.dir()).env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command
    }

    /// Tab after half a target, and Enter: the command gets the whole one.
    fn tab(&self, prompt: &str) {
        let mut terminal = spawn_command(self.command(&[]), Some(PATIENCE_MS)).unwrap();
        terminal.exp_string(prompt).unwrap();
        press(&mut terminal, &format!("borealisctl status {HALF}\t"));
        // The shell asks us, and shows the rest of the word.
        terminal.exp_string("ABASE").unwrap();
        press(&mut terminal, "\r");
        terminal.exp_string("127.0.0.1:15873").unwrap();
        // A shell on a terminal does not hear a SIGTERM.
        press(&mut terminal, "exit\r");
        terminal.exp_eof().unwrap();
    }
}

fn press(terminal: &mut PtySession, keys: &str) {
    terminal.send(keys).unwrap();
    terminal.flush().unwrap();
}

/// The very first Tab of a shell counts: zsh loads the script only then.
#[test]
fn zsh_completes_at_the_first_tab() {
    let Some(desk) = Desk::with("zsh") else { return };
    desk.install("functions/_borealisctl");
    let rc =
        "PS1='ready> '; fpath=($ZDOTDIR/functions $fpath); autoload -Uz compinit; compinit -u -D";
    desk.write(".zshrc", rc);
    desk.tab("ready> ");
}

/// The other way to set it up.
#[test]
fn zsh_completes_after_eval() {
    let Some(desk) = Desk::with("zsh") else { return };
    let rc = "PS1='ready> '; autoload -Uz compinit; compinit -u -D; eval \"$(borealisctl completions zsh)\"";
    desk.write(".zshrc", rc);
    desk.tab("ready> ");
}

#[test]
fn fish_completes() {
    let Some(desk) = Desk::with("fish") else { return };
    desk.install(".config/fish/completions/borealisctl.fish");
    let completed = |line: &str| {
        let ended = desk.command(&["-c", &format!("complete -C '{line}'")]).output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    };
    let live = completed("borealisctl status su");
    assert!(live.starts_with("sushi/DATABASE\tup, read-only\n"), "{live}");
    assert_eq!(completed("borealisctl psql --app su"), "sushi\n");
    assert!(completed("borealisctl refr").starts_with("refresh\t"));
}

#[test]
fn elvish_completes() {
    let Some(desk) = Desk::with("elvish") else { return };
    desk.install(".config/elvish/rc.elv");
    let rc = desk.fake.dir().join(".config/elvish/rc.elv");
    let script = std::fs::read_to_string(&rc).unwrap();
    desk.write(
        ".config/elvish/rc.elv",
        &format!("set edit:prompt = {{ put 'ready> ' }}\n{script}"),
    );
    desk.tab("ready> ");
}
