//! Further links, with fakes below them and time that only moves when everybody waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::fakes::*;
use super::*;

const SOON: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(90);

/// A tunnel with one connection, and what became of that.
async fn used(script: &[Answer]) -> World {
    let world = World::new(script);
    world.open(5).await.unwrap();
    world.link(0).busy.send_replace(true);
    sleep(SOON).await;
    world
}

fn alive(world: &World) -> usize {
    world.server.links.lock().iter().filter(|link| link.is_alive()).count()
}

fn stall(link: &Arc<FakeLink>) {
    link.busy.send_replace(true);
    *link.load.lock() = Load { channels: 1, bulk: false, stalled: true };
}

#[tokio::test(start_paused = true)]
async fn a_spare_is_ready_while_a_connection_is_open() {
    let world = used(&[]).await;
    assert_eq!((world.attempts(), world.minted()), (2, 1), "the same key");
    world.open(5).await.unwrap();
    assert_eq!(world.link(1).opened.load(Ordering::SeqCst), 1, "it is used");
    world.link(1).busy.send_replace(true);
    sleep(SOON).await;
    world.open(5).await.unwrap();
    world.link(2).busy.send_replace(true);
    sleep(LATER).await;
    assert_eq!(world.attempts(), MOST, "no more than allowed");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_short_needs_none() {
    let world = World::new(&[]);
    world.open(5).await.unwrap();
    sleep(LATER).await;
    assert_eq!(world.attempts(), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn spares_that_nobody_uses_are_closed() {
    let world = used(&[]).await;
    sleep(LATER).await;
    assert_eq!(alive(&world), 2, "one is kept ready");
    world.link(0).busy.send_replace(false);
    sleep(LATER).await;
    assert_eq!(alive(&world), 1);
    assert!(world.link(0).is_alive(), "the supervisor's own");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_a_second_link_is_left_in_peace() {
    let world = used(&[Answer::Accept, Answer::RefuseKey]).await;
    assert_eq!(world.attempts(), 2);
    for _ in 0..100 {
        world.open(5).await.unwrap();
        sleep(SOON).await;
    }
    assert_eq!((world.attempts(), world.minted()), (2, 1), "not asked again, and no new key");
    assert_eq!(world.tunnel.status().borrow().phase, Phase::Ready);
    sleep(Duration::from_secs(600)).await;
    world.open(5).await.unwrap();
    sleep(SOON).await;
    assert_eq!(world.attempts(), 3, "once more after a good while");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_out_of_reach_is_asked_again_soon() {
    let world = used(&[Answer::Accept, Answer::Unreachable]).await;
    world.open(5).await.unwrap();
    sleep(SOON).await;
    assert_eq!(world.attempts(), 2, "not at once");
    sleep(Duration::from_secs(30)).await;
    world.open(5).await.unwrap();
    sleep(SOON).await;
    assert_eq!((world.attempts(), alive(&world)), (3, 2));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_took_the_supervisors_link_may_have_taken_the_others() {
    let world = used(&[]).await;
    assert_eq!(world.link(1).probed.load(Ordering::SeqCst), 0);
    world.server.down.store(true, Ordering::SeqCst);
    world.link(0).cut();
    sleep(SOON).await;
    assert_eq!(world.link(1).probed.load(Ordering::SeqCst), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_replaced_link_takes_its_spares_along() {
    let world = used(&[]).await;
    world.link(1).busy.send_replace(true);
    world.tunnel.replace(true).await.unwrap();
    sleep(SOON).await;
    assert!(world.link(1).is_alive(), "its connections go on");
    for _ in 0..3 {
        world.open(5).await.unwrap();
    }
    assert_eq!(world.link(1).opened.load(Ordering::SeqCst), 0, "with the old key, no new ones");
    world.link(1).busy.send_replace(false);
    sleep(SOON).await;
    assert!(world.link(1).closed());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_link_does_not_hurt_its_spare() {
    let world = used(&[]).await;
    world.server.down.store(true, Ordering::SeqCst);
    world.link(0).cut();
    let asked = Instant::now();
    world.open(5).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO, "the spare serves at once");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_spare_is_replaced_when_somebody_comes() {
    let world = used(&[]).await;
    world.link(1).cut();
    world.open(5).await.unwrap();
    sleep(SOON).await;
    assert_eq!(alive(&world), 2);
    world.stop().await;
}

/// Nobody waits behind a client that does not read, as long as a server takes one more link.
#[tokio::test(start_paused = true)]
async fn a_connection_never_joins_a_client_that_does_not_read() {
    let world = World::new(&[]);
    world.open(5).await.unwrap();
    for index in 0..2 * MOST {
        let asked = Instant::now();
        world.open(5).await.unwrap();
        assert!(asked.elapsed() < SOON, "{index}: {:?}", asked.elapsed());
        stall(&world.link(index));
    }
    assert_eq!(world.attempts(), 2 * MOST);
    let Err(NoChannel::Down(_)) = world.open(5).await else { panic!("it joined one") };
    *world.link(0).load.lock() = Load::default();
    world.open(5).await.unwrap();
    world.stop().await;
}

/// russh keeps something of clients that broke off; running connections are not to notice.
#[tokio::test(start_paused = true)]
async fn a_worn_link_is_replaced_under_its_connections_and_not_again_and_again() {
    let world = used(&[]).await;
    world.link(1).worn.store(true, Ordering::SeqCst);
    world.open(5).await.unwrap();
    sleep(SOON).await;
    assert!(world.attempts() >= 3, "there is another");
    assert!(world.link(0).is_alive(), "its connection goes on");
    assert!(!world.link(1).is_alive(), "nobody was on it");
    assert_eq!(world.tunnel.status().borrow().phase, Phase::Ready);
    world.link(0).busy.send_replace(false);
    sleep(SOON).await;
    assert!(world.link(0).closed());
    let attempts = world.attempts();
    world.link(2).worn.store(true, Ordering::SeqCst);
    world.open(5).await.unwrap();
    sleep(SOON).await;
    assert_eq!(world.attempts(), attempts, "one in ten minutes is enough");
    sleep(Duration::from_secs(600)).await;
    world.open(5).await.unwrap();
    sleep(SOON).await;
    assert!(world.attempts() > attempts && world.link(2).closed());
    world.stop().await;
}
