//! Which Heroku apps the working directory's git remotes name.

use std::process::{Command, Stdio};

/// The apps of a remote, or, without one, of `heroku.remote` or all remotes. None outside of a
/// repository or without git: no app is then named, which the caller has words for.
#[must_use]
pub fn apps(remote: Option<&str>) -> Vec<String> {
    let configured = || output(&["config", "heroku.remote"]);
    let remote = remote.map(str::to_owned).or_else(configured);
    let remotes = output(&["remote", "-v"]).unwrap_or_default();
    apps_of(&remotes, remote.as_deref().map(str::trim))
}

/// The remotes that name an app.
#[must_use]
pub fn remotes() -> Vec<String> {
    let remotes = output(&["remote", "-v"]).unwrap_or_default();
    let mut names: Vec<String> = named_apps(&remotes).map(|(name, _app)| name.to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// The apps in what `git remote -v` prints: sorted, each once.
fn apps_of(remotes: &str, only: Option<&str>) -> Vec<String> {
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let mut apps: Vec<String> = named_apps(remotes)
        .filter(|(name, _app)| wanted(name))
        .map(|(_name, app)| app.to_owned())
        .collect();
    apps.sort();
    apps.dedup();
    apps
}

/// Each remote of Heroku's, with its app; a line for fetching and one for pushing.
fn named_apps(remotes: &str) -> impl Iterator<Item = (&str, &str)> {
    remotes.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, url) = (words.next()?, words.next()?);
        Some((name, app_of(url)?))
    })
}

fn app_of(url: &str) -> Option<&str> {
    const HOSTS: [&str; 3] =
        ["git@heroku.com:", "ssh://git@heroku.com/", "https://git.heroku.com/"];
    let path = HOSTS.iter().find_map(|host| url.strip_prefix(host))?;
    path.strip_suffix(".git").filter(|app| !app.is_empty())
}

fn output(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMOTES: &str = "\
heroku\thttps://git.heroku.com/sushi.git (fetch)
heroku\thttps://git.heroku.com/sushi.git (push)
staging\tgit@heroku.com:sushi-staging.git (fetch)
old\tssh://git@heroku.com/maki.git (fetch)
origin\tgit@github.com:someone/sushi.git (fetch)
";

    #[test]
    fn each_form_of_remote_names_its_app() {
        assert_eq!(apps_of(REMOTES, None), ["maki", "sushi", "sushi-staging"]);
    }

    #[test]
    fn a_named_remote_is_the_only_one() {
        assert_eq!(apps_of(REMOTES, Some("staging")), ["sushi-staging"]);
        assert!(apps_of(REMOTES, Some("origin")).is_empty());
        assert!(apps_of(REMOTES, Some("nope")).is_empty());
    }

    #[test]
    fn what_only_looks_like_heroku_is_not() {
        for url in ["https://git.heroku.com/.git", "git@heroku.com.evil:a.git", "heroku.com/a"] {
            assert_eq!(app_of(url), None, "{url}");
        }
    }
}
