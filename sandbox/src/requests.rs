//! The log of what the two APIs were asked. Tests count on it: "new keys were fetched once". It
//! holds paths and statuses only, never a header or a body.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which of the two services was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// The Heroku Platform API.
    Heroku,
    /// The Borealis API.
    Borealis,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Counts from 1, in order of arrival, over both APIs.
    pub sequence: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// When it was answered or given up; `None` while it is in flight.
    pub ended: Option<Timestamp>,
    /// Who was asked.
    pub api: Api,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The answer's status; `None` while in flight, and when the client went away first.
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    /// Guards the list and its counter; never held across an await.
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    next: u64,
    list: Vec<Request>,
}

/// A request that has not been answered; dropping it notes that the client went away.
#[derive(Debug)]
pub(crate) struct InFlight {
    log: Arc<RequestLog>,
    sequence: u64,
    status: Option<u16>,
}

impl std::fmt::Display for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Heroku => "heroku",
            Self::Borealis => "borealis",
        })
    }
}

impl RequestLog {
    pub(crate) fn begin(self: &Arc<Self>, api: Api, method: &str, path: &str) -> InFlight {
        let mut entries = self.entries();
        entries.next += 1;
        let sequence = entries.next;
        entries.list.push(Request {
            sequence,
            at: Timestamp::now(),
            ended: None,
            api,
            method: method.to_owned(),
            path: path.to_owned(),
            status: None,
        });
        InFlight { log: Arc::clone(self), sequence, status: None }
    }

    pub(crate) fn list(&self) -> Vec<Request> {
        self.entries().list.clone()
    }

    pub(crate) fn clear(&self) {
        self.entries().list.clear();
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlight {
    pub(crate) fn answered(mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut entries = self.log.entries();
        if let Some(entry) = entries.list.iter_mut().find(|entry| entry.sequence == self.sequence) {
            entry.ended = Some(Timestamp::now());
            entry.status = self.status;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_in_flight_until_answered_or_dropped() {
        let log = Arc::new(RequestLog::default());
        let first = log.begin(Api::Heroku, "GET", "/a");
        let second = log.begin(Api::Borealis, "POST", "/b");
        assert!(log.list().iter().all(|entry| entry.ended.is_none()));
        first.answered(200);
        drop(second);
        let list = log.list();
        assert_eq!(list.iter().map(|r| r.status).collect::<Vec<_>>(), [Some(200), None]);
        assert!(list.iter().all(|entry| entry.ended.is_some()));
    }

    #[test]
    fn numbers_go_on_after_a_clear() {
        let log = Arc::new(RequestLog::default());
        log.begin(Api::Heroku, "GET", "/a").answered(200);
        log.clear();
        log.begin(Api::Heroku, "GET", "/b").answered(200);
        assert_eq!(log.list().iter().map(|r| r.sequence).collect::<Vec<_>>(), [2]);
    }
}
