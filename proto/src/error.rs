//! Errors on the wire: a closed list of codes, so that the client can map each to its exit code.

use serde::{Deserialize, Serialize};

/// What went wrong, for programs. Shared by error answers and by the reason of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request makes no sense: bad JSON, an impossible value.
    BadRequest,
    /// The caller may not speak to this daemon: another user, a browser.
    Forbidden,
    /// No such path in the API.
    NoSuchRoute,
    /// No add-on answers to the target, or it is not Borealis Isolated Postgres.
    TargetNotFound,
    /// The target fits more than one add-on.
    TargetAmbiguous,
    /// No session has this id.
    SessionNotFound,
    /// No Heroku login, or one that is not accepted any more.
    LoginRequired,
    /// Heroku asks for a second factor.
    TwoFactorRequired,
    /// Access is revoked for personal users.
    AccessRevoked,
    /// The add-on is not finished provisioning.
    Provisioning,
    /// A PostgreSQL major version upgrade is running.
    Upgrading,
    /// Too many requests.
    RateLimited,
    /// An API fails or does not answer.
    ServiceUnavailable,
    /// An API answered what it never should.
    ServiceMisbehaved,
    /// The config var with the application's credentials is missing or was edited.
    ConnInfoInvalid,
    /// The wished port is in use.
    PortTaken,
    /// The SSH server cannot be reached, or the link to it was lost.
    LinkLost,
    /// The SSH server refuses the credentials.
    KeyRefused,
    /// The SSH server's host key is not the announced one.
    HostKeyChanged,
    /// Credentials are refused, and `renew = "ask"`: only a person's `refresh` gets others.
    RefreshRequired,
    /// Credentials were renewed so often that something must be wrong: a person has to look.
    TooManyRenewals,
    /// Another add-on is attached now under the name that the session was opened by.
    TargetMoved,
    /// Postgres cannot be reached through the link.
    DatabaseUnreachable,
    /// The service does not do that, to this add-on or now.
    Refused,
    /// The add-on is under maintenance.
    Maintenance,
    /// What is to be made is there already.
    AlreadyExists,
    /// The add-on has no such part: an extension, a data integration, an upgrade under way.
    NoSuchPart,
    /// Postgres refuses the query.
    QueryFailed,
    /// The caller's patience is over.
    TimedOut,
    /// Not yet: the first try is still under way.
    Opening,
    /// The session or the daemon is closing.
    Closing,
    /// What is wanted could not be written to the state file.
    NotSaved,
    /// A fault of ours; the daemon's log has the causes.
    Internal,
    /// From a newer peer.
    #[serde(other)]
    Unknown,
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error itself.
    pub error: ErrorDetail,
    /// Finds the causes in the daemon's log.
    pub request_id: String,
}

/// What happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For programs.
    pub code: ErrorCode,
    /// What happened, to which target.
    pub message: String,
    /// What to type next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// The targets to choose from when the one that was named fits several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}
