//! The exit codes that scripts rely on, as PRODUCT and `--help` list them.

mod support;

use borealis_client::api;
use borealis_client::exit::Code;
use borealis_client::{Error, select, start, target};
use borealis_proto::{Access, ErrorCode, ErrorDetail, Reason, SessionState};
use support::session;

#[test]
fn of_the_daemons_errors() {
    use ErrorCode as E;
    let table = [
        (E::BadRequest, 2),
        (E::Forbidden, 1),
        (E::NoSuchRoute, 1),
        (E::TargetNotFound, 4),
        (E::TargetAmbiguous, 4),
        (E::SessionNotFound, 4),
        (E::LoginRequired, 5),
        (E::TwoFactorRequired, 5),
        (E::AccessRevoked, 6),
        (E::Provisioning, 6),
        (E::Upgrading, 6),
        (E::RateLimited, 6),
        (E::ServiceUnavailable, 1),
        (E::ServiceMisbehaved, 1),
        (E::ConnInfoInvalid, 1),
        (E::Refused, 6),
        (E::Maintenance, 6),
        (E::AlreadyExists, 6),
        (E::NoSuchPart, 4),
        (E::PortTaken, 7),
        (E::LinkLost, 1),
        (E::KeyRefused, 1),
        (E::HostKeyChanged, 1),
        (E::DatabaseUnreachable, 1),
        (E::QueryFailed, 1),
        (E::TimedOut, 8),
        (E::Opening, 1),
        (E::Closing, 1),
        (E::Internal, 1),
        (E::Unknown, 1),
    ];
    for (code, number) in table {
        let detail = ErrorDetail {
            code,
            message: "m".into(),
            hint: None,
            retryable: false,
            choices: Vec::new(),
        };
        let error = Error::Api(api::Error::Refused(Box::new(detail)));
        assert_eq!(Code::from(&error).number(), number, "{code:?}");
    }
}

#[test]
fn of_a_session_that_is_not_up() {
    use ErrorCode as E;
    use SessionState as S;
    let table = [
        (S::Up, None, 0),
        (S::Opening, Some(E::Opening), 8),
        (S::Opening, None, 8),
        (S::Reconnecting, Some(E::LinkLost), 8),
        (S::Reconnecting, Some(E::Provisioning), 6),
        (S::Reconnecting, Some(E::RateLimited), 6),
        (S::Blocked, Some(E::LoginRequired), 5),
        (S::Blocked, Some(E::AccessRevoked), 6),
        (S::Blocked, Some(E::TargetNotFound), 4),
        (S::Blocked, Some(E::HostKeyChanged), 1),
        (S::Closing, Some(E::Closing), 8),
    ];
    for (state, reason, number) in table {
        let mut session = session("sushi", "DATABASE");
        session.state = state;
        session.reason = reason.map(|code| Reason { code, message: "m".into(), hint: None });
        assert_eq!(Code::of_session(&session).number(), number, "{state:?} {reason:?}");
    }
}

#[test]
fn of_the_clients_own_errors() {
    let table = [
        (Error::Usage { message: "m".into(), hint: "h".into() }, 2),
        (Error::Target(target::Error::NoApp { looked: "l".into() }), 4),
        (Error::Target(target::Error::SeveralApps { apps: vec![] }), 4),
        (Error::Target(target::Error::Malformed(borealis_proto::TargetError::Empty)), 2),
        (Error::Select(select::Error::Several { target: "t".into(), fitting: vec![] }), 4),
        (Error::Start(start::Error::NotFound { socket: "s".into() }), 3),
        (Error::Api(api::Error::NobodyListens { socket: "s".into() }), 3),
        (Error::Api(api::Error::Truncated), 1),
        (Error::Api(api::Error::Stopped), 3),
        (Error::Gone { target: "t".into(), access: Access::ReadOnly }, 4),
    ];
    for (error, number) in table {
        assert_eq!(Code::from(&error).number(), number, "{error}");
    }
}

#[cfg(unix)]
#[test]
fn of_a_child() {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;
    for (raw, number) in [(0, 0), (7 << 8, 7), (255 << 8, 255), (9, 137), (2, 130)] {
        assert_eq!(Code::of_child(ExitStatus::from_raw(raw)).number(), number, "{raw}");
    }
}
