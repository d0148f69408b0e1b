//! A config var that somebody edited, or wrote with bad intent.

use super::*;
use crate::fuzz::{CANARY, assert_fit_for_people};

const VARIABLE: &str = "DATABASE_TUNNEL_BPG_CONN_INFO";

fn info(text: &str) -> ConnInfo {
    let vars = HashMap::from([(VARIABLE.to_owned(), Secret::new(text.to_owned()))]);
    ConnInfo::find(&vars, "sushi", "DATABASE", Generation(1)).unwrap()
}

fn assert_is_silent<T>(answer: Result<T, ConnInfoError>) {
    let Err(error) = answer else { return };
    assert!(!format!("{error} {error:?}").contains(CANARY));
    let reason = error.failure().reason;
    assert_fit_for_people(&reason.message);
    assert_fit_for_people(reason.hint.as_deref().unwrap_or_default());
}

#[test]
fn fuzz_conn_info() {
    crate::fuzz::check("conn_info", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let read = info(&text);
        if let Ok(ssh) = read.ssh() {
            assert!(ssh.port > 0 && !ssh.host.contains(['/', ' ', '@']));
            assert_fit_for_people(&ssh.host);
            assert!(!ssh.user.contains(['\0', '\r', '\n', '\x1b']) && !ssh.user.is_empty());
        }
        for access in [Access::ReadOnly, Access::ReadWrite] {
            if let Ok(database) = read.database(access) {
                assert!(database.port > 0 && !database.password.expose().is_empty());
                for text in [&database.user, &database.database, database.password.expose()] {
                    assert!(!text.contains(['\0', '\r', '\n']));
                }
            }
        }
        // Written again, it reads the same.
        let written: Vec<_> = read
            .items
            .iter()
            .map(|(key, value)| format!("{key}:={}", value.expose().replace('\n', "\\n")))
            .collect();
        assert!(info(&written.join("|")).items == read.items);
        // Whatever stands before a secret, it is not shown.
        if !text.contains(CANARY) {
            let items =
                ["SSH_USER_PRIVATE_KEY", "POSTGRES_READER_PASSWORD", "SSH_PORT", "POSTGRES_PORT"]
                    .map(|key| format!("|{key}:={CANARY}"));
            let secret = info(&format!("{text}{}", items.concat()));
            assert!(!format!("{secret:?}").contains(CANARY));
            assert_is_silent(secret.ssh());
            assert_is_silent(secret.database(Access::ReadOnly));
            assert_is_silent(secret.database(Access::ReadWrite));
        }
    });
}
