//! A state file that somebody, or a dying disk, has been at.

use std::path::Path;

use super::format::{from_text, to_text};
use crate::fuzz::assert_fit_for_people;

#[test]
fn fuzz_state() {
    crate::fuzz::check("state", |bytes| match from_text(bytes) {
        Ok(sessions) => {
            assert_eq!(from_text(&to_text(&sessions).unwrap()).unwrap(), sessions);
            let mut ports: Vec<_> = sessions.iter().map(|session| session.port).collect();
            ports.sort_unstable();
            ports.dedup();
            assert!(ports.len() == sessions.len() && !ports.contains(&0));
            for session in sessions {
                let texts = [&session.app, &session.attachment, &session.addon, &session.addon_id];
                for text in texts {
                    assert_fit_for_people(text);
                }
                assert!(session.id.as_str().starts_with("ses_"));
            }
        }
        Err(problem) => {
            let path = Path::new("/state/sessions.json");
            assert_fit_for_people(&problem.moved(path, path));
        }
    });
}
