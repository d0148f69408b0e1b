//! What happens to sessions, as it happens.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use borealis_proto::{Bytes as Traffic, Connections, Event, Session, SessionId};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::watch;

use crate::control::ndjson;
use crate::control::state::Api;
use crate::session::Manager;

/// `GET /v1/events`: all sessions first, then each that changed. A reader that is slow misses
/// steps in between, never the last state.
pub(in crate::control) async fn events(State(state): State<Api>) -> Response {
    let changes = state.manager.changes();
    let sessions = state.manager.list().sessions;
    let watcher = Watcher { known: by_id(&sessions), manager: state.manager, changes };
    let first = stream::iter([ndjson::line(&Event::Snapshot { sessions })]);
    let rest = stream::unfold(watcher, Watcher::next);
    ndjson::respond(first.chain(rest), state.closing)
}

struct Watcher {
    manager: Manager,
    changes: watch::Receiver<u64>,
    /// What the reader knows, without what does not count as a change.
    known: BTreeMap<SessionId, Session>,
}

impl Watcher {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            self.changes.changed().await.ok()?;
            let sessions = self.manager.list().sessions;
            let news = differences(&self.known, &sessions);
            if news.is_empty() {
                continue;
            }
            self.known = by_id(&sessions);
            let mut lines = Vec::new();
            for event in &news {
                ndjson::push(event, &mut lines);
            }
            return Some((lines.into(), self));
        }
    }
}

fn by_id(sessions: &[Session]) -> BTreeMap<SessionId, Session> {
    sessions.iter().map(|session| (session.id.clone(), without_traffic(session))).collect()
}

/// Closed sessions first: an id or a port may be free for the next.
fn differences(known: &BTreeMap<SessionId, Session>, now: &[Session]) -> Vec<Event> {
    let gone = |id: &&SessionId| !now.iter().any(|session| session.id == **id);
    let closed = known.keys().filter(gone).map(|id| Event::Closed { id: id.clone() });
    let changed = now
        .iter()
        .filter(|session| known.get(&session.id) != Some(&without_traffic(session)))
        .map(|session| Event::Session { session: Box::new(session.clone()) });
    closed.chain(changed).collect()
}

/// Traffic alone is no event.
fn without_traffic(session: &Session) -> Session {
    Session {
        connections: Connections::default(),
        bytes: Traffic::default(),
        proved_at: None,
        unsaved: None,
        ..session.clone()
    }
}

#[cfg(test)]
mod tests {
    use borealis_proto::{Access, Endpoint, Identity, SessionState};
    use jiff::Timestamp;

    use super::*;

    fn session(id: &str) -> Session {
        Session {
            id: SessionId::new(id),
            target: "sushi/DATABASE".into(),
            app: "sushi".into(),
            attachment: "DATABASE".into(),
            addon: "borealis-pg-hex-12345".into(),
            addon_id: None,
            access: Access::ReadOnly,
            identity: Identity::Personal,
            ephemeral: false,
            state: SessionState::Opening,
            since: Timestamp::UNIX_EPOCH,
            reason: None,
            attempt: 0,
            next_retry_at: None,
            endpoint: Endpoint { host: "127.0.0.1".into(), port: 15873, socket: None },
            database: None,
            user: None,
            connections: Connections::default(),
            bytes: Traffic::default(),
            proved_at: None,
            unsaved: None,
            renewed: None,
            moved_to: None,
        }
    }

    #[test]
    fn traffic_is_no_event_and_everything_else_is() {
        let known = by_id(&[session("a"), session("b")]);
        let mut busy = session("a");
        busy.bytes.sent = 10;
        busy.connections.total = 1;
        busy.proved_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(differences(&known, &[busy.clone(), session("b")]), []);

        let up = Session { state: SessionState::Up, ..busy };
        let news = differences(&known, &[up.clone(), session("c")]);
        assert_eq!(
            news,
            [
                Event::Closed { id: SessionId::new("b") },
                Event::Session { session: Box::new(up) },
                Event::Session { session: Box::new(session("c")) },
            ]
        );
    }
}
