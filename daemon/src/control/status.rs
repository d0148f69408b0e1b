//! The HTTP status of each error code, and whether trying again may help.

use axum::http::StatusCode;
use borealis_proto::ErrorCode;

/// What an error code is in HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Treatment {
    pub(super) status: StatusCode,
    /// Whether the same request may succeed later, with nobody's help.
    pub(super) retryable: bool,
}

const fn lasting(status: StatusCode) -> Treatment {
    Treatment { status, retryable: false }
}

const fn passing(status: StatusCode) -> Treatment {
    Treatment { status, retryable: true }
}

/// One row a code; the compiler asks for a row when a code is added.
pub(super) fn treatment(code: ErrorCode) -> Treatment {
    match code {
        ErrorCode::BadRequest => lasting(StatusCode::BAD_REQUEST),
        ErrorCode::Forbidden => lasting(StatusCode::FORBIDDEN),
        ErrorCode::NoSuchRoute | ErrorCode::TargetNotFound | ErrorCode::SessionNotFound => {
            lasting(StatusCode::NOT_FOUND)
        }
        ErrorCode::NoSuchPart => lasting(StatusCode::NOT_FOUND),
        ErrorCode::AlreadyExists => lasting(StatusCode::CONFLICT),
        ErrorCode::Refused => lasting(StatusCode::UNPROCESSABLE_ENTITY),
        ErrorCode::TargetAmbiguous | ErrorCode::PortTaken | ErrorCode::TargetMoved => {
            lasting(StatusCode::CONFLICT)
        }
        ErrorCode::LoginRequired | ErrorCode::TwoFactorRequired => {
            lasting(StatusCode::UNAUTHORIZED)
        }
        ErrorCode::AccessRevoked | ErrorCode::RefreshRequired => lasting(StatusCode::FORBIDDEN),
        ErrorCode::ConnInfoInvalid | ErrorCode::QueryFailed => {
            lasting(StatusCode::UNPROCESSABLE_ENTITY)
        }
        ErrorCode::TooManyRenewals => lasting(StatusCode::TOO_MANY_REQUESTS),
        ErrorCode::RateLimited => passing(StatusCode::TOO_MANY_REQUESTS),
        ErrorCode::HostKeyChanged | ErrorCode::ServiceMisbehaved => {
            lasting(StatusCode::BAD_GATEWAY)
        }
        ErrorCode::KeyRefused | ErrorCode::LinkLost | ErrorCode::DatabaseUnreachable => {
            passing(StatusCode::BAD_GATEWAY)
        }
        ErrorCode::Maintenance
        | ErrorCode::Provisioning
        | ErrorCode::Upgrading
        | ErrorCode::ServiceUnavailable
        | ErrorCode::Opening
        | ErrorCode::Closing => passing(StatusCode::SERVICE_UNAVAILABLE),
        ErrorCode::NotSaved => passing(StatusCode::INSUFFICIENT_STORAGE),
        ErrorCode::TimedOut => passing(StatusCode::GATEWAY_TIMEOUT),
        ErrorCode::Internal | ErrorCode::Unknown => lasting(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scripts_rely_on() {
        let table = [
            (ErrorCode::BadRequest, 400, false),
            (ErrorCode::LoginRequired, 401, false),
            (ErrorCode::AccessRevoked, 403, false),
            (ErrorCode::SessionNotFound, 404, false),
            (ErrorCode::TargetNotFound, 404, false),
            (ErrorCode::PortTaken, 409, false),
            (ErrorCode::RateLimited, 429, true),
            (ErrorCode::Internal, 500, false),
            (ErrorCode::HostKeyChanged, 502, false),
            (ErrorCode::LinkLost, 502, true),
            (ErrorCode::Upgrading, 503, true),
            (ErrorCode::TimedOut, 504, true),
        ];
        for (code, status, retryable) in table {
            let expected = Treatment { status: StatusCode::from_u16(status).unwrap(), retryable };
            assert_eq!(treatment(code), expected, "{code:?}");
        }
    }
}
