//! A target that fits several add-ons, or none: a person at a terminal is given a list to choose
//! from, a script the same list as an error; and a slip of the pen gets a proposal.

use std::io::{IsTerminal, stderr, stdin};

use borealis_proto::{ErrorCode, Target};
use inquire::Select;

use crate::api::{self, Api};
use crate::{Error, git, select};

/// Does `work` on a target. If it fits several, the person chooses one and `work` is done on that.
///
/// # Errors
/// Those of `work`. Nobody was asked, or nobody chose: the one that lists the choices.
pub(crate) async fn resolving<T>(
    api: &Api,
    target: &Target,
    work: impl AsyncFn(&Target) -> Result<T, Error>,
) -> Result<T, Error> {
    match work(target).await {
        Err(error) => after(error, api, target, work).await,
        done => done,
    }
}

/// The rest of [`resolving`], for what has been tried already.
///
/// # Errors
/// See [`resolving`].
pub(crate) async fn after<T>(
    error: Error,
    api: &Api,
    target: &Target,
    work: impl AsyncFn(&Target) -> Result<T, Error>,
) -> Result<T, Error> {
    match chosen(&error) {
        Some(chosen) => work(&chosen).await,
        None => Err(with_proposal(error, api, target).await),
    }
}

/// What the person at the terminal chooses, if there is one, and a choice.
pub(crate) fn chosen(error: &Error) -> Option<Target> {
    let choices = error.choices();
    if choices.is_empty() || !stdin().is_terminal() || !stderr().is_terminal() {
        return None;
    }
    let answer = Select::new("Which one?", choices.to_vec()).without_filtering().prompt();
    // Escape, Ctrl+C and a terminal that is none leave the error as it is.
    answer.ok()?.parse().ok()
}

/// Heroku knows no such target; we may know a similar one.
async fn with_proposal(error: Error, api: &Api, target: &Target) -> Error {
    let Error::Api(api::Error::Refused(mut detail)) = error else { return error };
    if detail.code == ErrorCode::TargetNotFound
        && let Some(near) = near(api, target).await
    {
        let otherwise = detail.hint.map(|hint| format!(" If not, {hint}")).unwrap_or_default();
        detail.hint = Some(format!("did you mean {near}?{otherwise}"));
    }
    Error::Api(api::Error::Refused(detail))
}

async fn near(api: &Api, target: &Target) -> Option<String> {
    let open = api.sessions().await.map(|list| list.sessions).unwrap_or_default();
    let open = open.into_iter().flat_map(|session| [session.target, session.app, session.addon]);
    let in_app = |app: String| match target {
        Target::Attachment { attachment, .. } => format!("{app}/{attachment}"),
        Target::Name(_) | Target::Session(_) => app,
    };
    let names: Vec<String> = open.chain(git::apps(None).into_iter().map(in_app)).collect();
    select::nearest(&target.to_string(), names.iter().map(String::as_str))
}
