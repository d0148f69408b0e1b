//! Exit codes, which scripts rely on. This is the only place that knows them.

use std::process::{ExitCode, ExitStatus};

use borealis_proto::{Check, ErrorCode, Session, SessionState, Verdict};

use crate::{Error, api, child, select, start, target};

/// What the program ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u8);

impl Code {
    /// Done.
    pub const DONE: Self = Self(0);
    /// Failed, for a reason that has no code of its own.
    pub const FAILED: Self = Self(1);
    /// Wrong usage.
    pub const USAGE: Self = Self(2);
    /// The daemon is not reachable.
    pub const NO_DAEMON: Self = Self(3);
    /// No such target, or more than one.
    pub const TARGET: Self = Self(4);
    /// Log in to Heroku first.
    pub const LOGIN: Self = Self(5);
    /// The service refuses.
    pub const REFUSED: Self = Self(6);
    /// The port is taken.
    pub const PORT: Self = Self(7);
    /// Timed out.
    pub const TIMED_OUT: Self = Self(8);
    /// The reader of our output left before its end, `| head` for one: as shells put SIGPIPE.
    pub const PIPE: Self = Self(128 + 13);

    /// The number itself.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// For a session that is not up though somebody waited: a reason that waiting does not cure
    /// has its own code.
    #[must_use]
    pub fn of_session(session: &Session) -> Self {
        if session.state == SessionState::Up {
            return Self::DONE;
        }
        let Some(reason) = &session.reason else { return Self::TIMED_OUT };
        let code = Self::from(reason.code);
        let lasting = matches!(code, Self::LOGIN | Self::REFUSED | Self::PORT);
        if session.state == SessionState::Blocked || lasting { code } else { Self::TIMED_OUT }
    }

    /// Of `doctor`: the first problem decides.
    #[must_use]
    pub fn of_checks(checks: &[Check]) -> Self {
        let Some(first) = checks.iter().find(|check| check.verdict == Verdict::Problem) else {
            return Self::DONE;
        };
        let login = [ErrorCode::LoginRequired, ErrorCode::TwoFactorRequired];
        if first.code.is_some_and(|code| login.contains(&code)) {
            Self::LOGIN
        } else if first.name == Check::DAEMON {
            Self::NO_DAEMON
        } else {
            Self::FAILED
        }
    }

    /// As shells put the end by a signal.
    #[must_use]
    pub fn of_signal(number: i32) -> Self {
        Self(u8::try_from(128 + number).unwrap_or(u8::MAX))
    }

    /// As a child ended: its code, or 128 and the signal's number.
    #[must_use]
    pub fn of_child(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::of_signal(signal);
        }
        // Windows has 32 bits of exit code; what does not fit is a failure all the same.
        status.code().map_or(Self::FAILED, |code| u8::try_from(code).map_or(Self::FAILED, Self))
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.0)
    }
}

impl From<ErrorCode> for Code {
    fn from(code: ErrorCode) -> Self {
        use ErrorCode as E;
        match code {
            E::BadRequest => Self::USAGE,
            E::TargetNotFound | E::TargetAmbiguous | E::SessionNotFound | E::NoSuchPart => {
                Self::TARGET
            }
            E::TargetMoved => Self::TARGET,
            E::LoginRequired | E::TwoFactorRequired => Self::LOGIN,
            E::AccessRevoked | E::Provisioning | E::Upgrading | E::RateLimited => Self::REFUSED,
            E::Refused | E::Maintenance | E::AlreadyExists => Self::REFUSED,
            E::RefreshRequired | E::TooManyRenewals => Self::REFUSED,
            E::PortTaken => Self::PORT,
            E::TimedOut => Self::TIMED_OUT,
            E::Forbidden
            | E::NoSuchRoute
            | E::ServiceUnavailable
            | E::ServiceMisbehaved
            | E::ConnInfoInvalid
            | E::LinkLost
            | E::KeyRefused
            | E::HostKeyChanged
            | E::DatabaseUnreachable
            | E::QueryFailed
            | E::Opening
            | E::Closing
            | E::NotSaved
            | E::Internal
            | E::Unknown => Self::FAILED,
        }
    }
}

impl From<&Error> for Code {
    fn from(error: &Error) -> Self {
        match error {
            Error::Usage { .. } | Error::Settings { .. } | Error::Paths(_) => Self::USAGE,
            Error::Target(
                target::Error::Malformed(_)
                | target::Error::TwoApps { .. }
                | target::Error::TwoTargets { .. },
            ) => Self::USAGE,
            Error::Target(target::Error::NoApp { .. } | target::Error::SeveralApps { .. }) => {
                Self::TARGET
            }
            Error::Select(select::Error::NotOpen { .. } | select::Error::Several { .. }) => {
                Self::TARGET
            }
            Error::Gone { .. } => Self::TARGET,
            Error::StillThere { .. } => Self::TIMED_OUT,
            Error::Api(error) | Error::Start(start::Error::Api(error)) => error.into(),
            Error::Start(_) => Self::NO_DAEMON,
            Error::NotUp(session) => Self::of_session(session),
            Error::Query { code, .. } => (*code).into(),
            Error::Service(_)
            | Error::Child(child::Error::NotFound { .. } | child::Error::Io { .. })
            | Error::Output(_)
            | Error::Input { .. }
            | Error::Log(_)
            | Error::NotRestored { .. }
            | Error::Runtime(_) => Self::FAILED,
        }
    }
}

impl From<&api::Error> for Code {
    fn from(error: &api::Error) -> Self {
        match error {
            api::Error::NobodyListens { .. }
            | api::Error::Unreachable { .. }
            | api::Error::Cut(_)
            | api::Error::Stopped => Self::NO_DAEMON,
            api::Error::Slow(_) => Self::TIMED_OUT,
            api::Error::Refused(detail) => detail.code.into(),
            api::Error::KeyMalformed => Self::LOGIN,
            api::Error::Truncated
            | api::Error::Unreadable { .. }
            | api::Error::Unwritable(_)
            | api::Error::NotJson(_) => Self::FAILED,
        }
    }
}
