//! A panic below a tunnel: it is up again by itself, and nobody who was served notices.

use std::sync::atomic::Ordering;
use std::time::Duration;

use borealis_proto::ErrorCode;
use tokio::time::Instant;

use super::fakes::*;
use super::*;

#[tokio::test(start_paused = true)]
async fn one_that_panics_while_connecting_is_up_a_second_later_and_says_why_until_then() {
    let world = World::new(&[Answer::Panic]);
    let begun = Instant::now();
    world.phase(Phase::Waiting).await;
    let status = world.tunnel.status().borrow().clone();
    assert_eq!(status.failure.unwrap().reason.code, ErrorCode::Internal);
    assert!(status.next_retry_at.is_some());
    world.phase(Phase::Ready).await;
    assert!(begun.elapsed() <= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!((world.minted(), world.attempts()), (1, 2), "the key is still held");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_and_a_person_cut_the_rest_short() {
    let world = World::new(&[Answer::Panic, Answer::Panic]);
    world.phase(Phase::Waiting).await;
    let begun = Instant::now();
    world.tunnel.retry(Why::User).await;
    // The second panic's rest is two seconds.
    world.open(8).await.unwrap();
    assert!(begun.elapsed() <= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(world.attempts(), 3);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_link_that_serves_goes_on_serving() {
    let world = World::new(&[]);
    world.open(5).await.unwrap();
    let old = world.link(0);
    old.busy.send_replace(true);
    world.keys.faults.store(1, Ordering::SeqCst);
    let failure = world.tunnel.replace(false).await.unwrap_err();
    assert_eq!(failure.reason.code, ErrorCode::Internal, "who asked is told");
    assert!(old.is_alive());
    world.open(0).await.unwrap();
    world.phase(Phase::Ready).await;
    // A spare may have come and gone between them.
    let new = world.server.links.lock().last().cloned().unwrap();
    assert!(old.is_alive() && new.is_alive() && !std::sync::Arc::ptr_eq(&old, &new));
    old.busy.send_replace(false);
    old.ended().await;
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_always_panics_makes_no_storm_and_ends_when_told() {
    let world = World::new(&[Answer::Panic; 1000]);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let attempts = world.attempts();
    assert!((10..=20).contains(&attempts), "{attempts} in ten minutes");
    assert_eq!(world.minted(), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_among_the_spares_is_nobodys_loss() {
    // The second attempt is the spare's.
    let world = World::new(&[Answer::Accept, Answer::Panic]);
    let first = world.open(5).await.unwrap();
    world.link(0).busy.send_replace(true);
    let second = world.open(5).await.unwrap();
    assert_eq!(world.tunnel.status().borrow().phase, Phase::Ready);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let third = world.open(5).await.unwrap();
    assert!(world.attempts() >= 3, "spares are made again");
    drop((first, second, third));
    world.stop().await;
}
