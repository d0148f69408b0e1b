//! Which of the open sessions a target means.

use borealis_proto::{Access, Identity, Session, Target};

/// How far a name may be from another one to be proposed; half of a short one.
const NEAR: usize = 3;

/// No session, or no single one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// None is open.
    #[error("no {access}session of {target} is open", access = access_word(*.write_access))]
    NotOpen {
        /// As typed.
        target: String,
        /// Whether only a session that may write would do.
        write_access: bool,
        /// An open one with a similar name.
        near: Option<String>,
    },
    /// Several add-ons fit.
    #[error("{target} fits sessions of {} add-ons", .fitting.len())]
    Several {
        /// As typed.
        target: String,
        /// All that fit.
        fitting: Vec<String>,
    },
}

impl Error {
    /// What to type next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotOpen { near: Some(near), .. } => {
                format!("did you mean {near}? borealisctl ls shows all that are open")
            }
            Self::NotOpen { target, .. } if target.starts_with("ses_") => {
                "borealisctl ls shows all that are open".to_owned()
            }
            Self::NotOpen { target, write_access: true, .. } => {
                format!("open it: borealisctl up {target} --write-access")
            }
            Self::NotOpen { target, .. } => format!("open it: borealisctl up {target}"),
            Self::Several { fitting, .. } => {
                format!("name one of them: {}", fitting.join(", "))
            }
        }
    }
}

/// The one session that is meant: the read-write one if `write_access`, else the read-only one
/// where there are both.
///
/// # Errors
/// When there is none, or several add-ons fit.
pub fn one(target: &Target, write_access: bool, sessions: &[Session]) -> Result<Session, Error> {
    let fitting = all(target, write_access, sessions)?;
    let read_only = fitting.iter().find(|session| session.access == Access::ReadOnly);
    let chosen = read_only.or(fitting.first()).cloned();
    chosen.ok_or_else(|| not_open(target, write_access, sessions))
}

/// All sessions of the add-on that is meant; with `write_access` only the read-write one.
///
/// # Errors
/// When there is none, or several add-ons fit.
pub fn all(
    target: &Target,
    write_access: bool,
    sessions: &[Session],
) -> Result<Vec<Session>, Error> {
    let mut fitting: Vec<&Session> =
        sessions.iter().filter(|session| target.matches(session)).collect();
    if !matches!(target, Target::Session(_)) {
        prefer_personal(&mut fitting);
        refuse_several(target, &fitting)?;
        add_other_access(&mut fitting, sessions);
        fitting.retain(|session| !write_access || session.access == Access::ReadWrite);
    }
    if fitting.is_empty() {
        return Err(not_open(target, write_access, sessions));
    }
    Ok(fitting.into_iter().cloned().collect())
}

/// The sessions of the application's users belong to a `run` that is under way; people mean their
/// own.
fn prefer_personal(fitting: &mut Vec<&Session>) {
    if fitting.iter().any(|session| session.identity == Identity::Personal) {
        fitting.retain(|session| session.identity == Identity::Personal);
    }
}

/// What the person has open under another of the add-on's names, for the other access.
fn add_other_access<'a>(fitting: &mut Vec<&'a Session>, sessions: &'a [Session]) {
    let [only] = fitting.as_slice() else { return };
    if only.identity != Identity::Personal {
        return;
    }
    let other = |one: &&Session| {
        one.addon == only.addon && one.identity == only.identity && one.access != only.access
    };
    let others: Vec<&Session> = sessions.iter().filter(other).collect();
    fitting.extend(others);
}

/// One add-on may be open under two of its names, once for each access.
fn refuse_several(target: &Target, fitting: &[&Session]) -> Result<(), Error> {
    let Some((first, rest)) = fitting.split_first() else { return Ok(()) };
    let same = |one: &&Session| {
        one.target == first.target || (one.addon == first.addon && one.access != first.access)
    };
    if rest.iter().all(same) {
        return Ok(());
    }
    let mut names: Vec<String> = fitting.iter().map(|session| session.target.clone()).collect();
    names.sort();
    names.dedup();
    Err(Error::Several { target: target.to_string(), fitting: names })
}

fn not_open(target: &Target, write_access: bool, sessions: &[Session]) -> Error {
    let typed = target.to_string();
    let names = sessions.iter().flat_map(|one| [&one.target, &one.app, &one.addon]);
    let near = nearest(&typed, names.map(String::as_str));
    Error::NotOpen { target: typed, write_access, near }
}

/// The name that somebody who typed this may have meant.
pub(crate) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let near = NEAR.min(typed.chars().count() / 2);
    names
        .map(|name| (strsim::osa_distance(&typed.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| (1..=near).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.to_owned())
}

fn access_word(write_access: bool) -> &'static str {
    if write_access { "read-write " } else { "" }
}
