use proptest::prelude::*;
use tokio::time::{advance, pause};

use super::*;
use crate::credentials::Generation;

fn refused(past: Past, found_by: Asker) -> Want {
    Want::Renewed(Refused { generation: Generation(1), past, found_by })
}

const WORN: (Past, Asker) = (Past::Worked, Asker::Daemon);
const NEW: (Past, Asker) = (Past::New, Asker::Daemon);

/// Asks, and enters what is allowed.
fn ask(ledger: &mut Ledger, want: Want) -> Result<Entry, Denied> {
    ledger.may(want, Renew::Auto).inspect(|entry| ledger.enter(*entry))
}

#[tokio::test(start_paused = true)]
async fn the_first_renewal_is_at_once_and_the_second_is_not() {
    let mut ledger = Ledger::default();
    let worn = refused(WORN.0, WORN.1);
    assert_eq!(ask(&mut ledger, Want::Any), Ok(Entry::Plain));
    assert_eq!(ask(&mut ledger, worn), Ok(Entry::Automatic));
    advance(Duration::from_secs(10)).await;
    assert_eq!(ask(&mut ledger, worn), Err(Denied::TooSoon(Duration::from_secs(20))));
    assert_eq!(ask(&mut ledger, refused(Past::Worked, Asker::Person)), Ok(Entry::Plain));
    assert_eq!(ask(&mut ledger, Want::Other(Generation(1))), Ok(Entry::Refresh));
    assert_eq!(
        ask(&mut ledger, worn),
        Err(Denied::TooSoon(Duration::from_secs(20))),
        "a person's own do not change the pace of the others"
    );
    advance(Duration::from_secs(20)).await;
    assert_eq!(ask(&mut ledger, worn), Ok(Entry::Automatic));
}

#[tokio::test(start_paused = true)]
async fn what_never_worked_is_not_renewed_at_once() {
    for first in [Want::Any, Want::Other(Generation(1)), refused(WORN.0, WORN.1)] {
        let mut ledger = Ledger::default();
        ask(&mut ledger, first).unwrap();
        advance(Duration::from_secs(1)).await;
        let denied = ask(&mut ledger, refused(NEW.0, NEW.1));
        assert_eq!(denied, Err(Denied::TooSoon(Duration::from_secs(29))), "{first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_ceiling_is_of_a_day_and_a_person_lifts_it() {
    let mut ledger = Ledger::default();
    let worn = refused(WORN.0, WORN.1);
    for _ in 0..CEILING {
        assert_eq!(ask(&mut ledger, worn), Ok(Entry::Automatic));
        advance(Duration::from_secs(60)).await;
    }
    let left = DAY - 60 * Duration::from_secs(CEILING as u64);
    assert_eq!(ask(&mut ledger, worn), Err(Denied::TooOften(left)));
    assert_eq!(ask(&mut ledger, refused(Past::Worked, Asker::Person)), Ok(Entry::Plain));
    assert_eq!(ask(&mut ledger, worn), Err(Denied::TooOften(left)), "only a refresh lifts it");
    assert_eq!(ask(&mut ledger, Want::Other(Generation(1))), Ok(Entry::Refresh));
    assert_eq!(ask(&mut ledger, worn), Ok(Entry::Automatic));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_answers_is_a_reason_of_the_daemons_own() {
    let mut ledger = Ledger::default();
    let astray = Want::Unreached(Generation(1));
    assert_eq!(ledger.may(astray, Renew::Ask), Err(Denied::NotAsked));
    assert_eq!(ask(&mut ledger, astray), Ok(Entry::Automatic));
    assert_eq!(ask(&mut ledger, refused(WORN.0, WORN.1)), Err(Denied::TooSoon(APART)));
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_be_asked_is() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.may(Want::Any, Renew::Ask), Ok(Entry::Plain), "there was none");
    assert_eq!(ledger.may(Want::Other(Generation(1)), Renew::Ask), Ok(Entry::Refresh));
    for found_by in [Asker::Person, Asker::Daemon] {
        let denied = ledger.may(refused(Past::Worked, found_by), Renew::Ask);
        assert_eq!(denied, Err(Denied::NotAsked), "{found_by:?}");
    }
}

fn wants() -> impl Strategy<Value = Vec<(Want, u64)>> {
    let want = prop_oneof![
        1 => Just(Want::Any),
        1 => Just(Want::Other(Generation(1))),
        1 => Just(refused(Past::Worked, Asker::Person)),
        12 => Just(refused(WORN.0, WORN.1)),
        3 => Just(refused(NEW.0, NEW.1)),
    ];
    prop::collection::vec((want, 0u64..300), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Whoever asks, and whenever: renewals that nobody asked for are apart, what never worked has
    /// its time, no day has more than the ceiling without a refresh, and a denial for being soon is
    /// over when it says.
    #[test]
    fn the_daemon_never_storms(wants in wants()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            pause();
            let mut ledger = Ledger::default();
            let mut automatic: Vec<Instant> = Vec::new();
            let (mut last_automatic, mut last): (Option<Instant>, Option<Instant>) = (None, None);
            for (want, seconds) in wants {
                let now = Instant::now();
                match ask(&mut ledger, want) {
                    Ok(Entry::Automatic) => {
                        let since = |then: &Instant| now.duration_since(*then);
                        prop_assert!(last_automatic.is_none_or(|last| since(&last) >= APART));
                        if want == refused(NEW.0, NEW.1) {
                            prop_assert!(last.is_none_or(|last| since(&last) >= APART));
                        }
                        last_automatic = Some(now);
                        automatic.push(now);
                        let day = automatic.iter().filter(|then| since(then) < DAY).count();
                        prop_assert!(day <= CEILING, "{day} in a day");
                    }
                    Ok(Entry::Refresh) => automatic.clear(),
                    Ok(Entry::Plain) => {}
                    Err(Denied::TooSoon(wait)) => {
                        prop_assert!(Duration::ZERO < wait && wait <= APART);
                        advance(wait).await;
                        prop_assert!(ledger.may(want, Renew::Auto).is_ok());
                        continue;
                    }
                    Err(Denied::TooOften(wait)) => {
                        prop_assert!(Duration::ZERO < wait && wait <= DAY);
                        prop_assert!(automatic.len() >= CEILING);
                    }
                    Err(Denied::NotAsked) => prop_assert!(false, "nobody wants to be asked"),
                }
                last = Some(now);
                advance(Duration::from_secs(seconds)).await;
            }
            Ok(())
        })?;
    }
}
