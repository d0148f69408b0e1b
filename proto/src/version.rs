//! The version that both sides announce, and what each one brought.

/// The control API that this build speaks.
///
/// | N | date | brought |
/// |---|---|---|
/// | 1 | 2026-11-22 | sessions, credentials, query, events, daemon, add-ons |
/// | 1 | 2026-11-24 | doctor; `addon_id` of a session; `passfile` of the daemon |
/// | 1 | 2026-11-24 | the header `borealisd`; `replaced` of the daemon; `unsaved` of a session |
pub const API_VERSION: u32 = 1;

/// Header with [`API_VERSION`], in requests and in answers. A difference is worth a warning, never
/// a refusal: neighbouring versions work together.
pub const API_HEADER: &str = "borealis-api";

/// Header of an answer with the daemon's release, and the word [`REPLACED`] if that is no more what
/// is installed.
pub const DAEMON_HEADER: &str = "borealisd";

/// See [`DAEMON_HEADER`].
pub const REPLACED: &str = "replaced";

/// Header of an answer with the request's id, which finds its lines in the daemon's log.
pub const REQUEST_ID_HEADER: &str = "request-id";

/// Header in which the client hands its `HEROKU_API_KEY` to the daemon, which keeps it in memory
/// for as long as it runs.
pub const HEROKU_KEY_HEADER: &str = "heroku-api-key";

/// Carries the answer to Heroku's question for a second factor, which the daemon uses for the
/// requests of the next moment.
pub const TWO_FACTOR_HEADER: &str = "heroku-two-factor-code";
