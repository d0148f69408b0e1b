//! A line a session: whether it can be used now, and what to type if not.

use borealis_proto::{Check, ErrorCode, Reason, Session, SessionState};

use crate::session::Proofs;

const NAME: &str = "session";

pub(super) fn checks(sessions: &[Session], proofs: &Proofs) -> Vec<Check> {
    if sessions.is_empty() {
        return vec![Check::ok(NAME, "none is open; to open one: borealisctl up APP/ATTACHMENT")];
    }
    let check = |session: &Session| Check {
        session: Some(session.id.clone()),
        proved_at: session.proved_at,
        ..of(session, proofs.get(&session.id))
    };
    sessions.iter().map(check).collect()
}

/// `proof` is none for one that was not up when it was asked for.
fn of(session: &Session, proof: Option<&Result<(), Reason>>) -> Check {
    let Session { target, access, state, .. } = session;
    let what = format!("{target} {access} is {state}");
    match (state, proof) {
        (SessionState::Up, Some(Ok(()))) if session.moved_to.is_some() => moved(&what, session),
        (SessionState::Up, Some(Ok(()))) => {
            Check::ok(NAME, format!("{what}, and Postgres answers"))
        }
        (SessionState::Up, Some(Err(reason))) => {
            // Whatever is at fault, this is what a person can do about it.
            let anew = command("reconnect", session);
            let hint = format!("{anew}; if that does not help: borealisctl info {target}");
            let check = because(&format!("{what}, but its path does not work"), reason);
            Check { hint: Some(hint), ..check }
        }
        (SessionState::Up, None) => Check::ok(NAME, format!("{what}, since a moment ago")),
        (SessionState::Closing, _) => Check::ok(NAME, what),
        (
            SessionState::Opening
            | SessionState::Reconnecting
            | SessionState::Blocked
            | SessionState::Unknown,
            _,
        ) => not_up(&what, session),
    }
}

/// The first try is no failure yet; all else is one, whether it mends itself or not: nobody can use
/// the session now.
fn not_up(what: &str, session: &Session) -> Check {
    let wait = || format!("it goes on by itself; to wait for it: {}", command("wait", session));
    match &session.reason {
        Some(reason) if reason.code != ErrorCode::Opening => {
            let check = because(what, reason);
            match session.state {
                SessionState::Blocked => check.or_hint(command("reconnect", session)),
                SessionState::Opening
                | SessionState::Up
                | SessionState::Reconnecting
                | SessionState::Closing
                | SessionState::Unknown => check.or_hint(wait()),
            }
        }
        Some(_) | None => {
            Check::warning(NAME, format!("{what}: a try is under way")).or_hint(wait())
        }
    }
}

/// It works, and not where the target leads by now.
fn moved(what: &str, session: &Session) -> Check {
    let now = session.moved_to.as_deref().unwrap_or_default();
    let message = format!("{what}, with {}, but the target is now {now}", session.addon);
    let anew = format!("{}, then {}", command("down", session), command("up", session));
    Check::warning(NAME, message).or_hint(format!("to go there: {anew}"))
}

fn because(what: &str, reason: &Reason) -> Check {
    let mut check = Check::because(NAME, reason.clone());
    check.message = format!("{what}: {}", reason.message);
    check
}

fn command(verb: &str, session: &Session) -> String {
    let write = session.access.flag();
    format!("borealisctl {verb} {}{write}", session.target)
}

#[cfg(test)]
mod tests {
    use borealis_proto::Verdict;

    use super::*;

    fn session(state: &str, reason: Option<ErrorCode>) -> Session {
        let reason = reason.map(|code| serde_json::json!({"code": code, "message": "so it is"}));
        serde_json::from_value(serde_json::json!({
            "id": "ses_7k2m", "target": "sushi/DATABASE", "app": "sushi",
            "attachment": "DATABASE", "addon": "borealis-pg-hex-12345", "access": "read-write",
            "state": state, "since": "2026-11-22T09:14:03Z", "reason": reason, "attempt": 0,
            "next_retry_at": null, "endpoint": {"host": "127.0.0.1", "port": 1, "socket": null},
            "database": null, "user": null, "connections": {"open": 0, "waiting": 0, "total": 0},
            "bytes": {"sent": 0, "received": 0}, "proved_at": "2026-11-22T12:26:10Z",
        }))
        .unwrap()
    }

    #[test]
    fn what_cannot_be_used_now_is_a_problem_with_a_command() {
        use ErrorCode as E;
        let table = [
            ("up", None, Verdict::Ok, ""),
            ("closing", Some(E::Closing), Verdict::Ok, ""),
            ("opening", Some(E::Opening), Verdict::Warning, "borealisctl wait sushi/DATABASE -w"),
            ("reconnecting", Some(E::Opening), Verdict::Warning, "borealisctl wait"),
            ("reconnecting", Some(E::LinkLost), Verdict::Problem, "borealisctl wait"),
            ("blocked", Some(E::HostKeyChanged), Verdict::Problem, "borealisctl reconnect"),
        ];
        for (state, code, verdict, hint) in table {
            let check = of(&session(state, code), None);
            assert_eq!(check.verdict, verdict, "{state} {code:?}");
            assert!(check.message.starts_with(&format!("sushi/DATABASE read-write is {state}")));
            assert!(check.hint.unwrap_or_default().contains(hint), "{state} {code:?}");
        }
    }

    #[test]
    fn one_that_is_up_is_believed_when_postgres_answers() {
        let up = session("up", None);
        assert_eq!(of(&up, Some(&Ok(()))).verdict, Verdict::Ok);
        let code = ErrorCode::DatabaseUnreachable;
        let lost = Err(Reason { code, message: "no answer".into(), hint: None });
        let check = of(&up, Some(&lost));
        assert_eq!((check.verdict, check.code), (Verdict::Problem, Some(code)));
        let hint = check.hint.unwrap();
        assert!(hint.starts_with("borealisctl reconnect sushi/DATABASE -w; if "), "{hint}");
    }

    #[test]
    fn one_whose_target_was_moved_works_and_says_so() {
        let session = Session { moved_to: Some("other-1".into()), ..session("up", None) };
        let check = of(&session, Some(&Ok(())));
        assert_eq!(check.verdict, Verdict::Warning);
        assert!(check.message.contains("borealis-pg-hex-12345, but"), "{}", check.message);
        let hint = check.hint.unwrap();
        assert!(hint.contains("down sushi/DATABASE -w, then borealisctl up"), "{hint}");
    }

    #[test]
    fn each_says_which_it_is_and_when_it_was_proved() {
        let checks = checks(&[session("up", None)], &Proofs::new());
        assert_eq!(checks[0].session.as_ref().unwrap().as_str(), "ses_7k2m");
        assert!(checks[0].proved_at.is_some());
        let none = super::checks(&[], &Proofs::new());
        assert_eq!((none.len(), none[0].verdict), (1, Verdict::Ok));
    }
}
