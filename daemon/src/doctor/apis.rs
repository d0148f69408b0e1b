//! Whether the two APIs answer, and whether Heroku takes the login.

use std::time::Duration;

use borealis_proto::{Check, ErrorCode, Reason};

use crate::credentials::Vault;
use crate::heroku::{self, Place};
use crate::http::{self, Reached};

/// For looking up the login once more and making an authorization. One that comes later is deleted
/// all the same.
const ACCEPTED: Duration = Duration::from_secs(15);

const UNREACHABLE: &str = "check the network, what stands between (proxy, VPN), and this machine's \
                           clock; then: borealisctl doctor";

const UNWELL: &str =
    "it is not your machine; see https://status.heroku.com, then: borealisctl doctor";

/// Whether the login makes an authorization, which is the documented call that needs nothing else.
pub(super) async fn accepted(vault: &Vault) -> Result<(), Reason> {
    match tokio::time::timeout(ACCEPTED, vault.lease()).await {
        // A lease that is dropped is deleted at once, by a task that outlives this one.
        Ok(Ok(_lease)) => Ok(()),
        Ok(Err(error)) => Err(error.failure().reason),
        Err(_late) => Err(Reason {
            code: ErrorCode::ServiceUnavailable,
            message: format!("Heroku says nothing to the login within {} s", ACCEPTED.as_secs()),
            hint: None,
        }),
    }
}

/// `accepted` is none where the login was not tried.
pub(super) fn heroku(
    origin: &str,
    reached: Result<Reached, heroku::Error>,
    accepted: Option<Result<(), Reason>>,
    place: Option<Place>,
) -> Check {
    const NAME: &str = "heroku";
    match (reached, accepted) {
        (Err(error), _) => unreachable(NAME, origin, error.failure().reason),
        (Ok(_), Some(Ok(()))) => {
            Check::ok(NAME, format!("{origin} answers, and accepts the login"))
        }
        (Ok(_), Some(Err(reason))) => refused(NAME, reason, place),
        (Ok(reached), None) => answers(NAME, origin, reached),
    }
}

pub(super) fn borealis(origin: &str, reached: Result<Reached, http::Error>) -> Check {
    const NAME: &str = "borealis";
    match reached {
        Err(error) => unreachable(NAME, origin, error.failure().reason),
        Ok(reached) => answers(NAME, origin, reached),
    }
}

fn unreachable(name: &str, origin: &str, mut reason: Reason) -> Check {
    reason.message = format!("{origin}: {}", reason.message);
    Check::because(name, reason).or_hint(UNREACHABLE)
}

/// Without credentials a refusal is what is expected; only a fault of theirs is worth a word.
fn answers(name: &str, origin: &str, reached: Reached) -> Check {
    let status = reached.status;
    if !status.is_server_error() {
        return Check::ok(name, format!("{origin} answers"));
    }
    let message = format!("{origin} answers {}: it may be unwell", status.as_u16());
    Check::warning(name, message).or_hint("wait a little, then: borealisctl doctor")
}

fn refused(name: &str, mut reason: Reason, place: Option<Place>) -> Check {
    match (reason.code, place) {
        (ErrorCode::TwoFactorRequired, _) => {
            let hint = "`borealisctl up` asks for the code at a terminal; a token of `heroku \
                        authorizations:create` in HEROKU_API_KEY does without";
            reason.hint = Some(hint.to_owned());
        }
        // It stands before every other place: another login alone would change nothing.
        (ErrorCode::LoginRequired, Some(Place::HandedOver)) => {
            let hint = "unset HEROKU_API_KEY and log in with `heroku login`, or set it to another \
                        token";
            reason.hint = Some(hint.to_owned());
        }
        (ErrorCode::LoginRequired, Some(Place::OwnEnvironment)) => {
            let hint = "unset HEROKU_API_KEY where borealisd is started, or set it to another \
                        token; then: borealisctl daemon restart";
            reason.hint = Some(hint.to_owned());
        }
        (ErrorCode::RateLimited, _) => {
            let hint = "wait for that long, then: borealisctl doctor";
            reason.hint = Some(hint.to_owned());
        }
        (_, _) => {}
    }
    Check::because(name, reason).or_hint(UNWELL)
}

#[cfg(test)]
mod tests {
    use borealis_proto::Verdict;
    use reqwest::StatusCode;

    use super::*;

    const AT: &str = "https://api.test";

    fn reached(status: u16) -> Reached {
        Reached { status: StatusCode::from_u16(status).unwrap(), ahead: None }
    }

    fn reason(code: ErrorCode, hint: Option<&str>) -> Reason {
        Reason { code, message: "so it is".to_owned(), hint: hint.map(str::to_owned) }
    }

    #[test]
    fn any_answer_is_an_answer_and_a_fault_of_theirs_is_a_warning() {
        for (status, verdict) in [
            (200, Verdict::Ok),
            (302, Verdict::Ok),
            (401, Verdict::Ok),
            (404, Verdict::Ok),
            (503, Verdict::Warning),
        ] {
            assert_eq!(borealis(AT, Ok(reached(status))).verdict, verdict, "{status}");
            let check = heroku(AT, Ok(reached(status)), None, None);
            assert_eq!(check.verdict, verdict, "{status}: the login was not tried");
            assert_eq!(check.hint.is_some(), verdict == Verdict::Warning);
        }
    }

    #[test]
    fn a_refusal_says_how_to_get_past_it() {
        let heroku_login = Some("log in with `heroku login`");
        let table = [
            (ErrorCode::LoginRequired, Place::Kept("netrc"), heroku_login, "with `heroku login`"),
            (ErrorCode::LoginRequired, Place::HandedOver, heroku_login, "unset HEROKU_API_KEY and"),
            (ErrorCode::LoginRequired, Place::OwnEnvironment, heroku_login, "daemon restart"),
            (ErrorCode::TwoFactorRequired, Place::HandedOver, None, "at a terminal"),
            (ErrorCode::RateLimited, Place::HandedOver, None, "wait for that long"),
            (ErrorCode::ServiceUnavailable, Place::HandedOver, None, "status.heroku.com"),
        ];
        for (code, place, hint, said) in table {
            let refused = Some(Err(reason(code, hint)));
            let check = heroku(AT, Ok(reached(401)), refused, Some(place));
            assert_eq!((check.verdict, check.code), (Verdict::Problem, Some(code)));
            assert!(check.hint.as_deref().unwrap().contains(said), "{check:?}");
        }
    }

    #[test]
    fn a_login_that_is_accepted_outweighs_a_strange_answer() {
        assert_eq!(heroku(AT, Ok(reached(503)), Some(Ok(())), None).verdict, Verdict::Ok);
    }
}
