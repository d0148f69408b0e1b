//! Keeps an ephemeral session for as long as the request lasts. However the client ends, its
//! socket closes, this answer is dropped, and the session goes.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use borealis_proto::SessionId;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::control::extract::{Answer, Id};
use crate::control::ndjson;
use crate::control::state::Api;
use crate::session::{Hold, Manager};

/// An empty line this often, for what stands between a client and the socket and would give up.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// `GET /v1/sessions/{id}/hold`: the session on one line, then empty lines until it is closed.
pub(in crate::control) async fn hold(State(state): State<Api>, Id(id): Id) -> Answer<Response> {
    // First, so that it does not miss a change between the two.
    let changes = state.manager.changes();
    let hold = state.manager.hold(&id)?;
    let session = state.manager.get(&id)?;
    let first = stream::iter([ndjson::line(&session)]);
    let held = Held { _hold: hold, manager: state.manager, id, changes, beats: beats() };
    let rest = stream::unfold(held, Held::next);
    Ok(ndjson::respond(first.chain(rest), state.closing))
}

fn beats() -> Interval {
    let mut beats = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beats
}

struct Held {
    _hold: Hold,
    manager: Manager,
    id: SessionId,
    changes: watch::Receiver<u64>,
    beats: Interval,
}

impl Held {
    /// The next empty line; nothing once the session is gone.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            tokio::select! {
                _ = self.beats.tick() => return Some((Bytes::from_static(b"\n"), self)),
                changed = self.changes.changed() => {
                    if changed.is_err() || self.manager.get(&self.id).is_err() {
                        return None;
                    }
                }
            }
        }
    }
}
