//! Answers of something that says it is the Borealis service.

use borealis_proto::{
    AddonInfo, DbUsers, IntegrationLogin, Integrations, PgExtensions, RestoreCapabilities,
    UpgradeInfo, UpgradeStarted,
};
use reqwest::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::declined::Declined;
use super::error::{Error, Refusal};
use super::users::{DbUser, SshUser};
use crate::fuzz::assert_fit_for_people;
use crate::http::Answer;

/// What a status means on one call.
type Meaning<'a> = &'a dyn Fn(&Answer) -> Option<Declined>;

const ADDON: &str = "borealis-pg-hex-12345";

fn assert_fit(error: &Error) {
    let reason = error.failure().reason;
    assert_fit_for_people(&reason.message);
    assert_fit_for_people(reason.hint.as_deref().unwrap_or_default());
}

/// What could not be read is not quoted.
fn read<T: DeserializeOwned>(answer: &Answer) -> Option<T> {
    let unusable = |source| Error::Http { addon: ADDON.to_owned(), source };
    answer.json().map_err(|error| assert_fit(&unusable(error))).ok()
}

/// Passed on to clients as it came, and nothing lost.
fn passed_on<T: DeserializeOwned + Serialize + PartialEq>(answer: &Answer) {
    let Some(value) = read::<T>(answer) else { return };
    let text = serde_json::to_vec(&value).unwrap();
    assert!(serde_json::from_slice::<T>(&text).unwrap() == value);
}

#[test]
fn fuzz_borealis_answer() {
    let meanings: [Meaning<'_>; 8] = [
        &|answer| Declined::to_install("postgis", answer),
        &|answer| Declined::to_uninstall("postgis", answer),
        &Declined::to_reset,
        &|answer| Declined::to_register("fivetran", answer),
        &|answer| Declined::to_deregister("fivetran", answer),
        &Declined::to_restore,
        &Declined::to_upgrade,
        &Declined::to_cancel,
    ];
    crate::fuzz::check("borealis_answer", |bytes| {
        let Some((status, body)) = bytes.split_first() else { return };
        let answer = Answer::of(StatusCode::from_u16(400 + u16::from(*status)).unwrap(), body);
        let (addon, service_text) = (ADDON.to_owned(), answer.text("reason"));
        let refusal = Refusal::of(&answer);
        assert_fit(&Error::Refused { addon, refusal, service_text });
        for declined in meanings.iter().filter_map(|meaning| meaning(&answer)) {
            let (addon, service_text) = (ADDON.to_owned(), answer.text("reason"));
            assert_fit(&Error::Declined { addon, declined, service_text });
        }

        let answer = Answer::of(StatusCode::OK, body);
        if let Some(user) = read::<SshUser>(&answer) {
            assert!(user.port() > 0 && !user.host.contains(['/', ' ', '@']));
            assert_fit_for_people(&user.host);
            assert!(!user.user.contains(['\0', '\r', '\n', '\x1b']));
        }
        if let Some(user) = read::<DbUser>(&answer) {
            assert!(user.port() > 0);
            for text in [&user.user, &user.database, user.password.expose()] {
                assert!(!text.contains(['\0', '\r', '\n']));
            }
        }
        passed_on::<AddonInfo>(&answer);
        passed_on::<PgExtensions>(&answer);
        passed_on::<DbUsers>(&answer);
        passed_on::<Integrations>(&answer);
        passed_on::<IntegrationLogin>(&answer);
        passed_on::<RestoreCapabilities>(&answer);
        passed_on::<UpgradeInfo>(&answer);
        passed_on::<UpgradeStarted>(&answer);
    });
}
