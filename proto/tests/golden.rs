//! The JSON of the control API, version 1, as files that are kept for ever: what stands there is
//! read today and in ten years, and what we write has the same shape.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Debug;
use std::path::Path;

use borealis_proto::{
    Checkup, Credentials, DaemonInfo, ErrorBody, Event, OpenSession, QueryEvent, QueryRequest,
    Session, SessionList, SessionState, Verdict,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Reads each line of a golden file and writes it again without loss.
fn holds<T: Serialize + DeserializeOwned + Debug>(name: &str) -> Vec<T> {
    let text = golden(name);
    let values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    values
        .map(|value| {
            let value = value.unwrap();
            let read: T = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), value, "{name}");
            read
        })
        .collect()
}

#[test]
fn what_version_1_says_is_read_and_written_alike() {
    holds::<DaemonInfo>("daemon.v1.json");
    holds::<DaemonInfo>("daemon-passfile.v1.json");
    holds::<DaemonInfo>("daemon-replaced.v1.json");
    holds::<Checkup>("doctor.v1.json");
    holds::<Session>("session.v1.json");
    holds::<Session>("session-addon-id.v1.json");
    holds::<Session>("session-unsaved.v1.json");
    holds::<Session>("session-renewed.v1.json");
    holds::<SessionList>("sessions.v1.json");
    holds::<OpenSession>("open.v1.json");
    holds::<Credentials>("credentials.v1.json");
    holds::<ErrorBody>("error.v1.json");
    holds::<borealis_proto::AddonInfo>("addon-info.v1.json");
    holds::<borealis_proto::DbUsers>("addon-users.v1.json");
    holds::<borealis_proto::UpgradeInfo>("addon-upgrade.v1.json");
    holds::<QueryRequest>("query.v1.json");
    assert_eq!(holds::<QueryEvent>("query-events.v1.json").len(), 10);
    assert_eq!(holds::<Event>("events.v1.json").len(), 3);
}

#[test]
fn what_a_newer_peer_says_is_not_an_error() {
    let mut session: Value = serde_json::from_str(&golden("session.v1.json")).unwrap();
    let fields = session.as_object_mut().unwrap();
    fields.insert("state".into(), "hibernating".into());
    fields.insert("colour".into(), "green".into());
    let session: Session = serde_json::from_value(session).unwrap();
    assert_eq!(session.state, SessionState::Unknown);
    let check = r#"{"checks":[{"name":"sun","verdict":"eclipsed","message":"m","moon":1}]}"#;
    let checkup: Checkup = serde_json::from_str(check).unwrap();
    assert_eq!(checkup.checks[0].verdict, Verdict::Unknown);
    let event: Event = serde_json::from_str(r#"{"type":"eclipse","sun":1}"#).unwrap();
    assert_eq!(event, Event::Unknown);
    let error = r#"{"error":{"code":"too_sunny","message":"m"},"request_id":"r"}"#;
    assert!(serde_json::from_str::<ErrorBody>(error).is_ok());
}

#[test]
fn what_an_older_client_leaves_out_has_a_default() {
    let open: OpenSession = serde_json::from_str(r#"{"target":"sushi/DATABASE"}"#).unwrap();
    assert_eq!((open.wait_ms, open.ephemeral, open.port), (0, false, None));
}

#[test]
fn a_password_does_not_show_in_debug() {
    let credentials = holds::<Credentials>("credentials.v1.json");
    assert!(!format!("{credentials:?}").contains("canary"));
}
