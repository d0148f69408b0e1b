//! What a shell offers when somebody presses Tab: the words of the command line, which clap knows,
//! and live names, which a daemon that runs knows. Quick, silent, and never the start of a daemon.

mod nushell;

use std::ffi::OsString;
use std::time::Duration;

use borealis_proto::Session;
use clap::CommandFactory;
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};
use tokio::time::timeout;

use crate::cli::{Cli, Shell};
use crate::output::notes::{self, Level};
use crate::{Context, git};

use nushell::Nushell;

/// The variable by which a shell asks.
const VARIABLE: &str = "COMPLETE";

const PROGRAM: &str = "borealisctl";

/// A person waits with a finger on Tab.
const PATIENCE: Duration = Duration::from_millis(300);

const SHELLS: Shells<'static> = Shells(&[&Bash, &Elvish, &Fish, &Nushell, &Powershell, &Zsh]);

/// Answers a shell, if it is one that asks.
pub(crate) fn answered(argv: &[OsString]) -> bool {
    let here = std::env::current_dir().ok();
    let env = CompleteEnv::with_factory(Cli::command).var(VARIABLE).shells(SHELLS);
    // A shell has no place for an error: it offers nothing.
    env.try_complete(argv.iter().cloned(), here.as_deref()).unwrap_or(true)
}

/// What makes a shell ask.
pub(crate) fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let completer: &dyn EnvCompleter = match shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::Nushell => &Nushell,
        Shell::PowerShell => &Powershell,
        Shell::Zsh => &Zsh,
    };
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    if let Shell::Zsh = shell {
        script.extend_from_slice(ZSH_AT_ONCE.as_bytes());
    }
    Ok(script)
}

/// zsh runs a script below `fpath` when Tab is first pressed, and wants that Tab answered by it.
const ZSH_AT_ONCE: &str = "\
if [[ $funcstack[1] == _borealisctl ]]; then
    _clap_dynamic_completer_borealisctl \"$@\"
fi
";

/// Open sessions by target and by id, and apps of the git remotes.
pub(crate) fn targets() -> Vec<CompletionCandidate> {
    let sessions = sessions();
    let named = sessions.iter().map(|session| offer(&session.target, &about(session), 0));
    let ids = sessions.iter().map(|session| offer(session.id.as_str(), &session.target, 2));
    let apps = git::apps(None);
    let remotes = apps.iter().map(|app| offer(app, "app of a git remote", 1));
    named.chain(remotes).chain(ids).collect()
}

/// Apps of open sessions and of the git remotes.
pub(crate) fn apps() -> Vec<CompletionCandidate> {
    let sessions = sessions().into_iter().map(|session| session.app);
    let mut apps: Vec<String> = sessions.chain(git::apps(None)).collect();
    apps.sort();
    apps.dedup();
    apps.into_iter().map(CompletionCandidate::new).collect()
}

/// Attachments and add-ons of open sessions.
pub(crate) fn addons() -> Vec<CompletionCandidate> {
    let names = |session: Session| [session.attachment, session.addon];
    let mut addons: Vec<String> = sessions().into_iter().flat_map(names).collect();
    addons.sort();
    addons.dedup();
    addons.into_iter().map(CompletionCandidate::new).collect()
}

/// The git remotes that name an app.
pub(crate) fn remotes() -> Vec<CompletionCandidate> {
    git::remotes().into_iter().map(CompletionCandidate::new).collect()
}

fn offer(name: &str, about: &str, order: usize) -> CompletionCandidate {
    CompletionCandidate::new(name).help(Some(about.to_owned().into())).display_order(Some(order))
}

fn about(session: &Session) -> String {
    format!("{}, {}", session.state, session.access)
}

/// None whenever anything is not as it should be.
fn sessions() -> Vec<Session> {
    notes::set_level(Level::Silent);
    let asked = || {
        let api = Context::load(|_state_dir| None).ok()?.running_daemon().ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let answer = runtime.block_on(async { timeout(PATIENCE, api.sessions()).await.ok() })?;
        Some(answer.ok()?.sessions)
    };
    asked().unwrap_or_default()
}
