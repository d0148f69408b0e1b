//! Sessions to show, and golden files to compare with.
#![allow(dead_code, unreachable_pub, reason = "each test program uses some of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may fail them")]

#[cfg(unix)]
pub mod fake;
#[cfg(unix)]
pub mod terminal;

use std::path::Path;

use borealis_proto::{
    Access, Bytes, Connections, DaemonInfo, Endpoint, ErrorCode, Health, Identity, Reason, Session,
    SessionId, SessionState,
};

/// A session that is up.
pub fn session(app: &str, attachment: &str) -> Session {
    Session {
        id: SessionId::new(&format!("{app}{}", attachment.len())),
        target: format!("{app}/{attachment}"),
        app: app.into(),
        attachment: attachment.into(),
        addon: format!("borealis-pg-{app}-12345"),
        addon_id: None,
        access: Access::ReadOnly,
        identity: Identity::Personal,
        ephemeral: false,
        state: SessionState::Up,
        since: "2026-11-22T09:14:03Z".parse().unwrap(),
        reason: None,
        attempt: 0,
        next_retry_at: None,
        endpoint: Endpoint { host: "127.0.0.1".into(), port: 15873, socket: None },
        database: Some("d1".into()),
        user: Some("p_ro_ab12".into()),
        connections: Connections { open: 2, waiting: 0, total: 14 },
        bytes: Bytes { sent: 10_240, received: 990_211 },
        proved_at: Some("2026-11-22T12:26:10Z".parse().unwrap()),
        unsaved: None,
        renewed: None,
        moved_to: None,
    }
}

/// A daemon that is well.
pub fn daemon(passfile: Option<&str>) -> DaemonInfo {
    DaemonInfo {
        version: "0.1.0".into(),
        api: 1,
        pid: 4711,
        started_at: "2026-11-22T09:14:00Z".parse().unwrap(),
        uptime_seconds: 11_530,
        socket: "/run/user/1000/borealis/borealisd.sock".into(),
        state_file: "/home/me/.local/state/borealis/sessions.json".into(),
        log: "journal".into(),
        replaced: false,
        passfile: passfile.map(str::to_owned),
        health: Health { sessions: 1, up: 1, tasks: 9, notices: Vec::new() },
    }
}

/// One whose link was lost.
pub fn reconnecting(app: &str, attachment: &str) -> Session {
    let reason = Reason {
        code: ErrorCode::LinkLost,
        message: "the SSH server cannot be reached: connection refused".into(),
        hint: Some("check your network; the daemon tries again by itself".into()),
    };
    Session {
        state: SessionState::Reconnecting,
        reason: Some(reason),
        attempt: 7,
        next_retry_at: Some("2026-11-22T12:26:25Z".parse().unwrap()),
        ..session(app, attachment)
    }
}

/// Compares with a file of `tests/golden`; `UPDATE_GOLDEN=1` writes it.
pub fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(actual, golden, "{name} differs; UPDATE_GOLDEN=1 writes it anew");
}
