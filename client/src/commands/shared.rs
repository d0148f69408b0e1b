//! What several verbs do alike: find an open session, wait for one, hold one, show one.

use std::time::Duration;

use borealis_proto::{
    Access, Credentials, Identity, OpenSession, Session, SessionId, SessionState, Target,
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout};

use super::connect;
use crate::api::{Api, Hold};
use crate::cli::OneTarget;
use crate::exit::Code;
use crate::output::{self, spinner, text};
use crate::target::{self, Here};
use crate::{Context, Error, choose, select, two_factor};

/// How long commands wait for a session that they open for themselves.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long Heroku may take for a name under which nothing is open.
const ASIDE: Duration = Duration::from_secs(5);

/// The daemon answers a long poll at least this often.
const LONG_POLL: Duration = Duration::from_secs(30);

/// The open session that a command means, and the daemon that has it.
pub(super) async fn opened(
    context: &Context,
    typed: &OneTarget,
    write_access: bool,
) -> Result<(Api, Session), Error> {
    let target = target::one(typed, &Here)?;
    let api = context.daemon().await?;
    let open = api.sessions().await?.sessions;
    let find = |target: &Target, open: &[Session]| select::one(target, write_access, open);
    let session = among(&open, &api, &target, find).await?;
    Ok((api, session))
}

/// What a target means among the open sessions. An add-on may be attached under a name under which
/// it is not open: then Heroku knows, if it can be asked.
pub(super) async fn among<T>(
    open: &[Session],
    api: &Api,
    target: &Target,
    find: impl Fn(&Target, &[Session]) -> Result<T, select::Error>,
) -> Result<T, Error> {
    // What a `run` has open is its own.
    let personal: Vec<Session> =
        open.iter().filter(|one| one.identity == Identity::Personal).cloned().collect();
    let look = async |target: &Target| match find(target, open) {
        Err(error @ select::Error::NotOpen { .. })
            if !personal.is_empty() && !open.iter().any(|one| target.matches(one)) =>
        {
            let addon = named_otherwise(api, target).await;
            Ok(addon.and_then(|addon| find(&addon, &personal).ok()).ok_or(error)?)
        }
        found => Ok(found?),
    };
    choose::resolving(api, target, look).await
}

/// The add-on that an attachment, or an app, means.
async fn named_otherwise(api: &Api, target: &Target) -> Option<Target> {
    if let Target::Session(_) = target {
        return None;
    }
    let asked = timeout(ASIDE, api.addon(target).identity()).await;
    asked.ok()?.ok()?.addon_name.parse().ok()
}

/// Prints a session that ought to be up; an error if it is not.
pub(super) fn show(session: Session, json: bool) -> Result<Code, Error> {
    if json {
        output::json(&session)?;
    } else {
        output::print(&text::line(&session))?;
    }
    settled(session)?;
    Ok(Code::DONE)
}

/// The session, if it is up.
pub(super) fn settled(session: Session) -> Result<Session, Error> {
    match session.state {
        SessionState::Up => Ok(session),
        SessionState::Opening
        | SessionState::Reconnecting
        | SessionState::Blocked
        | SessionState::Closing
        | SessionState::Unknown => Err(Error::NotUp(Box::new(session))),
    }
}

/// What a command opens for as long as it runs.
pub(super) struct Wish<'a> {
    pub(super) target: &'a OneTarget,
    pub(super) write_access: bool,
    pub(super) identity: Identity,
    pub(super) port: Option<u16>,
}

/// A session that lives at least as long as this does.
pub(super) struct Held {
    pub(super) api: Api,
    pub(super) session: Session,
    _hold: Hold,
}

impl Held {
    /// Opens, or finds, the session, holds it, and waits until it is up or cannot be.
    pub(super) async fn open(context: &Context, wish: &Wish<'_>) -> Result<Self, Error> {
        let target = target::one(wish.target, &Here)?;
        let api = spinner::during("starting borealisd", context.daemon()).await?;
        let open = async |target: &Target| Self::open_on(&api, target, wish).await;
        let (session, hold) = choose::resolving(&api, &target, open).await?;
        Ok(Self { api, session, _hold: hold })
    }

    async fn open_on(
        api: &Api,
        target: &Target,
        wish: &Wish<'_>,
    ) -> Result<(Session, Hold), Error> {
        let wish = OpenSession {
            target: target.to_string(),
            access: access(wish.write_access),
            identity: wish.identity,
            port: wish.port,
            ephemeral: true,
            // Held first and waited for then: nobody else keeps it alive meanwhile.
            wait_ms: 0,
        };
        let open = async || {
            let session = api.open(&wish).await?;
            let hold = api.hold(&session.id).await?;
            let session = wait_until_up(api, session, Some(PATIENCE)).await?;
            Ok((session, hold))
        };
        let work = two_factor::answering(api, |(session, _hold)| Some(session), open);
        spinner::during(&format!("opening {target}"), work).await
    }

    /// This, if the session is up.
    pub(super) fn up(self) -> Result<Self, Error> {
        Ok(Self { session: settled(self.session)?, ..self })
    }

    /// Its credentials, once known.
    pub(super) async fn credentials(&self) -> Result<Credentials, Error> {
        connect::of(&self.api, &self.session, PATIENCE).await
    }
}

/// The session once it is up, cannot be without help, or is not before `patience` is over.
pub(super) async fn wait_until_up(
    api: &Api,
    session: Session,
    patience: Option<Duration>,
) -> Result<Session, Error> {
    if is_final(&session) { Ok(session) } else { wait_on(api, &session, patience).await }
}

/// The same for a session that may be another by now.
pub(super) async fn wait_on(
    api: &Api,
    session: &Session,
    patience: Option<Duration>,
) -> Result<Session, Error> {
    let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
    let mut list = api.sessions().await?;
    loop {
        let now = find(&session.id, list.sessions).ok_or_else(|| Error::gone(session))?;
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if is_final(&now) || left.is_some_and(|left| is_in_vain(&now, left)) {
            return Ok(now);
        }
        let pause = left.map_or(LONG_POLL, |left| left.min(LONG_POLL));
        list = api.sessions_after(list.version, pause).await?;
    }
}

/// Read-write only on request.
pub(super) fn access(write_access: bool) -> Access {
    if write_access { Access::ReadWrite } else { Access::ReadOnly }
}

fn find(id: &SessionId, sessions: Vec<Session>) -> Option<Session> {
    sessions.into_iter().find(|session| session.id == *id)
}

fn is_final(session: &Session) -> bool {
    match session.state {
        SessionState::Up | SessionState::Blocked | SessionState::Closing => true,
        SessionState::Opening | SessionState::Reconnecting | SessionState::Unknown => false,
    }
}

/// Whether the patience is over, or will be before the next try.
fn is_in_vain(session: &Session, left: Duration) -> bool {
    let left = SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX);
    let deadline = Timestamp::now().checked_add(left).unwrap_or(Timestamp::MAX);
    left.is_zero() || session.next_retry_at.is_some_and(|next| next > deadline)
}
