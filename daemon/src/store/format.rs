//! What stands in the file. A field may be added with a default; anything else is a new version.

use std::collections::HashSet;

use borealis_proto::{Access, SessionId, Target};
use serde::{Deserialize, Serialize};

use super::read::Problem;
use super::write::SaveError;

/// The version that this build writes and reads.
const VERSION: u64 = 1;

/// A session that the user wants: what it takes to open it again at the same place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedSession {
    /// Its id.
    pub id: SessionId,
    /// The app.
    pub app: String,
    /// The attachment's name in the app.
    pub attachment: String,
    /// The add-on's globally unique name.
    pub addon: String,
    /// The add-on's UUID.
    pub addon_id: String,
    /// What its user may do.
    pub access: Access,
    /// Where it listens.
    pub port: u16,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    sessions: &'a [WantedSession],
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

#[derive(Deserialize)]
struct Read {
    sessions: Vec<WantedSession>,
}

pub(super) fn to_text(sessions: &[WantedSession]) -> Result<Vec<u8>, SaveError> {
    let mut text = serde_json::to_vec_pretty(&Written { version: VERSION, sessions })?;
    text.push(b'\n');
    Ok(text)
}

/// The version first: the rest of a newer file may be anything.
pub(super) fn from_text(text: &[u8]) -> Result<Vec<WantedSession>, Problem> {
    let Version { version } = serde_json::from_slice(text).map_err(broken)?;
    if version > VERSION {
        return Err(Problem::Newer(version));
    }
    if version < VERSION {
        return Err(Problem::Corrupt(format!("there never was a version {version}")));
    }
    let Read { sessions } = serde_json::from_slice(text).map_err(broken)?;
    check(&sessions)?;
    Ok(sessions)
}

fn broken(error: serde_json::Error) -> Problem {
    if error.is_eof() { Problem::Truncated } else { Problem::Corrupt(error.to_string()) }
}

fn check(sessions: &[WantedSession]) -> Result<(), Problem> {
    let corrupt = |what: String| Err(Problem::Corrupt(what));
    let (mut ids, mut ports) = (HashSet::new(), HashSet::new());
    for session in sessions {
        if let Some(what) = fault(session) {
            return corrupt(format!("session {}: {what}", session.id.as_str().escape_debug()));
        }
        if !ids.insert(&session.id) {
            return corrupt(format!("two sessions are {}", session.id));
        }
        if !ports.insert(session.port) {
            return corrupt(format!("two sessions are on port {}", session.port));
        }
    }
    Ok(())
}

/// A UUID is made of the same characters as they are.
fn names(session: &WantedSession) -> [&str; 4] {
    [&session.app, &session.attachment, &session.addon, &session.addon_id]
}

/// These go into URLs and onto sockets: they must be what their types promise.
fn fault(session: &WantedSession) -> Option<&'static str> {
    let named = |name: &str| Target::from_parts(name, None).is_ok();
    if session.id.as_str().parse::<SessionId>().is_err() {
        Some("its id is none")
    } else if !names(session).into_iter().all(named) {
        Some("a name in it is none")
    } else if session.port == 0 {
        Some("its port is 0")
    } else if session.access == Access::Unknown {
        Some("its access is unknown")
    } else {
        None
    }
}
