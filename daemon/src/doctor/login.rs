//! Where the Heroku login is, or why there is none. The login itself is shown to nobody.

use std::time::Duration;

use borealis_proto::{Check, ErrorCode, Reason};

use crate::heroku::{Found, Login, LoginError, Place};

const NAME: &str = "login";

/// A credential store that somebody has to unlock first, or gpg that asks for a passphrase.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why no login is found.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoLogin {
    #[error("{0}")]
    Missing(#[from] LoginError),
    #[error(
        "the place of the Heroku login did not answer within {} s; it may wait for a passphrase",
        TIMEOUT.as_secs()
    )]
    Late,
}

pub(super) async fn find(login: &Login) -> Result<Found, NoLogin> {
    match tokio::time::timeout(TIMEOUT, login.find()).await {
        Ok(found) => Ok(found?),
        Err(_late) => Err(NoLogin::Late),
    }
}

pub(super) fn check(found: Result<Found, NoLogin>) -> Check {
    let Found { place, obstacle, .. } = match found {
        Ok(found) => found,
        Err(error) => return none(&error),
    };
    let place = match place {
        Place::HandedOver => "HEROKU_API_KEY, handed over by borealisctl",
        Place::OwnEnvironment => "HEROKU_API_KEY of the daemon's own environment",
        Place::Kept(name) => name,
    };
    match obstacle {
        None => Check::ok(NAME, format!("the Heroku login is in {place}")),
        Some(obstacle) => {
            let message = format!("the Heroku login of {place} is used, because {obstacle}");
            Check::warning(NAME, message).or_hint("unlock or mend that one, or log out there")
        }
    }
}

fn none(error: &NoLogin) -> Check {
    let hint = match error {
        NoLogin::Missing(LoginError::NotLoggedIn) => {
            "heroku login, or set HEROKU_API_KEY: borealisctl hands it over"
        }
        NoLogin::Missing(LoginError::Malformed(_)) => {
            "heroku login, or set HEROKU_API_KEY to what `heroku auth:token` says"
        }
        NoLogin::Missing(
            LoginError::Unreadable { .. } | LoginError::Encrypted { .. } | LoginError::Store { .. },
        )
        | NoLogin::Late => {
            "unlock it, or log in again with `heroku login`; HEROKU_API_KEY does without it"
        }
    };
    let (code, hint) = (ErrorCode::LoginRequired, Some(hint.to_owned()));
    Check::because(NAME, Reason { code, message: error.to_string(), hint })
}

#[cfg(test)]
mod tests {
    use borealis_proto::Verdict;

    use super::*;
    use crate::secret::Secret;

    fn unreadable() -> LoginError {
        let source = std::io::Error::other("input/output error");
        LoginError::Unreadable { path: "/h/.netrc".into(), source }
    }

    fn of(place: Place, obstacle: Option<LoginError>) -> Check {
        check(Ok(Found { place, token: Secret::new("canary".to_owned()), obstacle }))
    }

    #[test]
    fn the_place_is_named_and_the_login_is_not() {
        let places = [
            (Place::HandedOver, "HEROKU_API_KEY, handed over"),
            (Place::OwnEnvironment, "the daemon's own environment"),
            (Place::Kept("netrc"), "is in netrc"),
        ];
        for (place, said) in places {
            let check = of(place, None);
            assert_eq!(check.verdict, Verdict::Ok);
            assert!(check.message.contains(said), "{check:?}");
            assert!(!format!("{check:?}").contains("canary"));
        }
    }

    #[test]
    fn a_better_place_that_was_passed_over_is_a_warning() {
        let check = of(Place::Kept("netrc"), Some(unreadable()));
        assert_eq!((check.verdict, check.hint.is_some()), (Verdict::Warning, true));
        assert!(check.message.contains("netrc is used, because"), "{check:?}");
    }

    #[test]
    fn none_is_a_problem_with_a_way_out() {
        for error in [
            NoLogin::Missing(LoginError::NotLoggedIn),
            NoLogin::Missing(LoginError::Malformed("netrc")),
            NoLogin::Missing(unreadable()),
            NoLogin::Late,
        ] {
            let check = check(Err(error));
            assert_eq!(check.verdict, Verdict::Problem);
            assert_eq!(check.code, Some(ErrorCode::LoginRequired));
            assert!(check.hint.unwrap().contains("heroku login"));
        }
    }
}
