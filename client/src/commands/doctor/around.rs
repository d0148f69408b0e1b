//! What is around us: settings, the key in the environment, the service manager.

use std::env;
use std::path::Path;

use borealis_proto::{Check, ErrorCode, Reason, Settings};

use crate::api::{self, Api};
use crate::context;
use crate::{Context, Error};

const KEY: &str = "HEROKU_API_KEY";
const SETTINGS: &str = "settings";

/// They could be read, or we would not be here.
pub(super) fn settings() -> Check {
    let file = match context::settings_file() {
        Some(path) if path.exists() => format!("{} is read", path.display()),
        Some(path) => format!("{} is not there, the defaults do", path.display()),
        None => "no settings file, the defaults do".to_owned(),
    };
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let set: Vec<&str> = Settings::VARIABLES.into_iter().filter(is_set).collect();
    match set.is_empty() {
        true => Check::ok(SETTINGS, file),
        false => Check::ok(SETTINGS, format!("{file}; the environment sets {}", set.join(", "))),
    }
}

pub(super) fn wrong_settings(error: &Error) -> Check {
    let hint = if let Error::Settings { path, .. } = error {
        format!("correct {}, or remove it", path.display())
    } else {
        "set BOREALIS_STATE_DIR and BOREALIS_SOCKET".to_owned()
    };
    Check::problem(SETTINGS, error.to_string()).or_hint(hint)
}

/// The key itself is shown to nobody. One that is none must not hide all else: the daemon is then
/// asked without.
pub(super) fn key(socket: &Path) -> Result<(Check, Api), Error> {
    const NAME: &str = "api-key";
    let key = env::var_os(KEY).filter(|key| !key.is_empty());
    let Some(key) = key else {
        let message =
            format!("{KEY} is not set; borealisd looks where `heroku login` keeps the login");
        return Ok((Check::ok(NAME, message), Api::new(socket, None)?));
    };
    let api = key.to_str().ok_or(api::Error::KeyMalformed).map(|key| Api::new(socket, Some(key)));
    match api.and_then(|api| api) {
        Ok(api) => Ok((Check::ok(NAME, format!("{KEY} is set, and handed to borealisd")), api)),
        Err(error) => {
            let (code, hint) = (ErrorCode::LoginRequired, error.hint());
            let reason = Reason { code, message: error.to_string(), hint };
            Ok((Check::because(NAME, reason), Api::new(socket, None)?))
        }
    }
}

/// One or the other is a matter of taste: never a problem.
pub(super) fn service(context: &Context) -> Check {
    let message = match context.manager() {
        Some(_) if !context.is_usual_place() => {
            "none for this socket: the settings name another place than the usual one".to_owned()
        }
        Some(manager) if manager.is_installed() => format!("installed with {}", manager.name()),
        Some(manager) => format!(
            "not installed with {}; borealisctl starts borealisd when it is needed",
            manager.name()
        ),
        None => "none on this system; borealisctl starts borealisd when it is needed".to_owned(),
    };
    Check::ok("service", message)
}
