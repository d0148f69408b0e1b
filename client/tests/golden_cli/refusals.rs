//! How the daemon says no, in its own words.

use borealis_proto::{ErrorBody, ErrorCode, ErrorDetail, Reason};

/// A name for files, the code, the message, and what to type next.
pub type Refusal = (&'static str, ErrorCode, &'static str, &'static str);

const LOG_IN: &str = "log in with `heroku login`";

/// Heroku's, and what can be said about a target.
pub const OF_HEROKU: [Refusal; 8] = [
    ("login", ErrorCode::LoginRequired, "there is no Heroku login on this machine", LOG_IN),
    (
        "two-factor",
        ErrorCode::TwoFactorRequired,
        "Heroku asks for a second factor",
        "type the command at a terminal, where it can ask for the code, or set HEROKU_API_KEY to a \
         token of `heroku authorizations:create`",
    ),
    (
        "no-such-target",
        ErrorCode::TargetNotFound,
        "sushi is neither an app nor an add-on that this Heroku login can see",
        "see what there is with `heroku addons --all`",
    ),
    (
        "several",
        ErrorCode::TargetAmbiguous,
        "app sushi has 2 Borealis Isolated Postgres add-ons: sushi/BLUE, sushi/DATABASE",
        "name one of them",
    ),
    (
        "rate-limited",
        ErrorCode::RateLimited,
        "Heroku got too many requests and asks to wait 7 s",
        "",
    ),
    ("unavailable", ErrorCode::ServiceUnavailable, "Heroku is unavailable (503)", ""),
    ("misbehaved", ErrorCode::ServiceMisbehaved, "Heroku answered 418", ""),
    ("our-mistake", ErrorCode::Internal, "borealisd made a mistake", "borealisctl daemon logs"),
];

/// The service's, to any call.
pub const OF_THE_SERVICE: [Refusal; 4] = [
    (
        "revoked",
        ErrorCode::AccessRevoked,
        "access to add-on borealis-pg-hex-12345 is revoked for personal users: its database has \
         stayed over its storage limit",
        "free storage or choose a larger plan, then: borealisctl up borealis-pg-hex-12345",
    ),
    (
        "provisioning",
        ErrorCode::Provisioning,
        "add-on borealis-pg-hex-12345 is not finished provisioning",
        "it goes on by itself; to wait for it: borealisctl up borealis-pg-hex-12345 --timeout 10m",
    ),
    (
        "upgrading",
        ErrorCode::Upgrading,
        "a PostgreSQL major version upgrade of add-on borealis-pg-hex-12345 is running",
        "it goes on by itself; to wait for it: borealisctl up borealis-pg-hex-12345 --timeout 10m",
    ),
    (
        "gone",
        ErrorCode::TargetNotFound,
        "borealis-pg-hex-12345 is not a Borealis Isolated Postgres add-on, or it is gone",
        "see what there is with `heroku addons --all`",
    ),
];

pub fn body(refusal: &Refusal) -> ErrorBody {
    let (_, code, message, hint) = *refusal;
    let several = code == ErrorCode::TargetAmbiguous;
    let choices = if several { vec!["sushi/BLUE".into(), "sushi/DATABASE".into()] } else { vec![] };
    let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
    let error = ErrorDetail { code, message: message.to_owned(), hint, retryable: false, choices };
    ErrorBody { error, request_id: "r".into() }
}

pub fn reason(refusal: &Refusal) -> Reason {
    let ErrorDetail { code, message, hint, .. } = body(refusal).error;
    Reason { code, message, hint }
}

/// The status counts for nothing but "no".
pub const STATUS: u16 = 400;
