//! Netrc files, which other programs write and people edit.

use super::*;
use crate::fuzz::CANARY;

const HOST: &str = "api.heroku.com";

#[test]
fn fuzz_netrc() {
    crate::fuzz::check("netrc", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let found = password(&text, HOST);
        assert!(found.as_ref().is_none_or(|found| found.expose().len() <= text.len()));
        // The first entry wins, whatever follows.
        let first = format!("machine {HOST} login me password {CANARY}\n{text}");
        assert_eq!(password(&first, HOST).unwrap().expose(), CANARY);
        // What is not there is not found, whatever stands before.
        assert!(password(&text, "h0st.of.nobody").is_none() || text.contains("h0st.of.nobody"));
    });
}
