//! Answers of something that says it is Heroku.

use std::collections::HashMap;

use borealis_proto::Target;
use reqwest::StatusCode;

use super::answers::{Addon, Attachment, AuthorizationAnswer, prefer};
use super::error::Error;
use crate::fuzz::assert_fit_for_people;
use crate::http::{self, Answer};
use crate::secret::Secret;

fn assert_fit(error: &Error) {
    let reason = error.failure().reason;
    assert_fit_for_people(&reason.message);
    assert_fit_for_people(reason.hint.as_deref().unwrap_or_default());
}

/// What could not be read is not quoted.
fn read<T>(answer: Result<T, http::Error>) -> Option<T> {
    answer.map_err(|error| assert_fit(&error.into())).ok()
}

/// The first byte is the status, in steps that meet those that mean something.
#[test]
fn fuzz_heroku_answer() {
    crate::fuzz::check("heroku_answer", |bytes| {
        let Some((status, body)) = bytes.split_first() else { return };
        let status = StatusCode::from_u16(400 + u16::from(*status)).unwrap();
        assert_fit(&Error::of(&Answer::of(status, body)));

        let answer = Answer::of(StatusCode::OK, body);
        if let Some(authorization) = read(answer.json::<AuthorizationAnswer>()) {
            assert!(format!("{authorization:?}").contains("<secret>"));
        }
        if let Some(attachments) = read(answer.json::<Vec<Attachment>>())
            && let Some(attached) =
                prefer(attachments, Some("sushi")).and_then(Attachment::complete)
        {
            // They go into addresses, the state file and onto terminals.
            for name in [&attached.app, &attached.attachment, &attached.addon] {
                Target::from_parts(name, None).unwrap();
            }
            assert_fit_for_people(&attached.addon_id);
        }
        for addon in read(answer.json::<Vec<Addon>>()).unwrap_or_default() {
            assert!(!addon.is_ours() || addon.addon_service.name.is_some());
        }
        read(answer.json::<HashMap<String, Secret<String>>>());
    });
}
