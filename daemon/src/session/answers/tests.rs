use std::iter;
use std::pin::pin;

use borealis_proto::Severity;
use futures_util::FutureExt;

use super::*;

const WHOLE: usize = ROOM as usize;

/// Between the driver and the queue.
const SENT: usize = 16;

fn row(number: usize, width: usize) -> QueryEvent {
    QueryEvent::Row { values: vec![Some(number.to_string()), Some("x".repeat(width))] }
}

fn rows(widths: &[usize]) -> Vec<QueryEvent> {
    widths.iter().enumerate().map(|(number, width)| row(number, *width)).collect()
}

/// As the driver does: until nobody receives, and then this is false.
async fn send_one_a_turn(rows: Vec<QueryEvent>, sender: mpsc::Sender<QueryEvent>) -> bool {
    for row in rows {
        if sender.send(row).await.is_err() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

/// All that is queued. It takes its room until it is dropped.
fn queued(answers: &mut Answers) -> Vec<Batch> {
    iter::from_fn(|| answers.batches.try_recv().ok()).collect()
}

/// Reads only when no more can be sent, and looks at how much there is then.
fn read_slowly<T>(
    mut filled: Pin<&mut impl Future<Output = T>>,
    answers: &mut Answers,
) -> (Vec<QueryEvent>, T) {
    let mut heard = Vec::new();
    loop {
        let ended = filled.as_mut().now_or_never();
        let held = queued(answers);
        assert!(held.len() <= BATCHES, "{}", held.len());
        let events = held.iter().flat_map(|batch| &batch.events);
        let weights: Vec<usize> = events.map(weigh).collect();
        assert!(weights.len() == 1 || weights.iter().sum::<usize>() <= WHOLE, "{weights:?}");
        heard.extend(held.into_iter().flat_map(|batch| batch.events));
        if let Some(ended) = ended {
            return (heard, ended);
        }
        assert!(!weights.is_empty(), "nothing comes, and it is not the end");
    }
}

#[test]
fn no_more_is_queued_than_there_is_room_for_and_all_of_it_comes_in_order() {
    let mut widths = vec![3 * WHOLE, 10, 10, 3 * WHOLE, 3 * WHOLE];
    widths.extend([WHOLE / 4; 9]);
    widths.extend([10; 1000]);
    let (outlet, mut answers) = channel();
    let (sender, sent) = mpsc::channel(SENT);
    let driver = pin!(send_one_a_turn(rows(&widths), sender));
    let filled = pin!(outlet.fill(sent, driver));
    let (heard, ended) = read_slowly(filled, &mut answers);
    // Not as an equality: it would print megabytes.
    assert!(ended && heard == rows(&widths), "{} events", heard.len());
}

#[test]
fn what_the_driver_sent_before_its_end_comes_before_what_follows() {
    let widths = [WHOLE / 4; 8];
    let (outlet, mut answers) = channel();
    let (sender, sent) = mpsc::channel(SENT);
    let driver = pin!(async move {
        for row in rows(&widths) {
            sender.try_send(row).unwrap();
        }
    });
    let filled = pin!(async {
        outlet.fill(sent, driver).await;
        outlet.say(QueryEvent::Done).await;
    });
    let (mut heard, ()) = read_slowly(filled, &mut answers);
    assert_eq!(heard.pop(), Some(QueryEvent::Done));
    assert!(heard == rows(&widths), "{} events", heard.len());
}

#[test]
fn a_caller_that_goes_is_missed_while_there_is_no_room() {
    let (outlet, mut answers) = channel();
    let (sender, sent) = mpsc::channel(SENT);
    let driver = pin!(send_one_a_turn(rows(&[WHOLE; 4]), sender));
    let mut filled = pin!(outlet.fill(sent, driver));
    assert!(filled.as_mut().now_or_never().is_none());
    let held = queued(&mut answers);
    assert_eq!(held.len(), 1);
    assert!(filled.as_mut().now_or_never().is_none(), "what is read has room until it is dropped");
    drop(answers);
    assert_eq!(filled.as_mut().now_or_never(), Some(false));
}

#[test]
fn a_caller_that_goes_is_missed_while_postgres_says_nothing() {
    let (outlet, answers) = channel();
    let (sender, sent) = mpsc::channel(SENT);
    let driver = pin!(async move {
        sender.closed().await;
    });
    let mut filled = pin!(outlet.fill(sent, driver));
    assert!(filled.as_mut().now_or_never().is_none());
    drop(answers);
    assert!(filled.as_mut().now_or_never().is_some());
}

#[test]
fn a_batch_ends_with_the_event_that_reaches_its_limit() {
    let (sender, mut sent) = mpsc::channel(SENT);
    for row in rows(&[BATCH / 4; 10]) {
        sender.try_send(row).unwrap();
    }
    let batches: Vec<Load> = iter::from_fn(|| take(&mut sent)).collect();
    let numbers: Vec<usize> = batches.iter().map(|load| load.events.len()).collect();
    assert_eq!(numbers, [4, 4, 2]);
    let most = BATCH + weigh(&row(0, BATCH / 4));
    assert!(batches.iter().all(|load| load.weight < most));
}

#[test]
fn whatever_can_be_wide_weighs() {
    let wide = "x".repeat(WHOLE);
    let notice = ServerMessage {
        severity: Severity::Notice,
        code: String::new(),
        message: String::new(),
        detail: Some(wide.clone()),
        hint: None,
        position: None,
        context: None,
    };
    let column = Column { name: wide.clone(), type_oid: 25 };
    for event in [
        QueryEvent::Row { values: vec![None, Some(wide.clone())] },
        QueryEvent::Columns { columns: vec![column] },
        QueryEvent::CopyData { data: wide },
        QueryEvent::Notice { notice },
    ] {
        assert!(weigh(&event) > WHOLE);
    }
    let nulls = QueryEvent::Row { values: vec![None; 1000] };
    assert!(weigh(&nulls) >= 1000 * size_of::<Option<String>>());
}
