//! The supervisor with fakes below it and time that only moves when everybody waits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use borealis_proto::ErrorCode;
use proptest::prelude::*;
use tokio::time::Instant;

use super::fakes::*;
use super::*;
use crate::fault::{Failure, Fault};

#[tokio::test(start_paused = true)]
async fn a_cut_link_is_replaced_at_once_with_the_held_key() {
    let world = World::new(&[]);
    world.open(5).await.unwrap();
    let cut_at = Instant::now();
    world.link(0).cut();
    world.open(5).await.unwrap();
    assert!(cut_at.elapsed() < Duration::from_millis(10), "{:?}", cut_at.elapsed());
    assert_eq!((world.minted(), world.attempts()), (1, 2));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_refused_after_a_cut_is_renewed_once() {
    let world = World::new(&[Answer::Accept, Answer::RefuseKey]);
    world.open(5).await.unwrap();
    world.link(0).cut();
    world.open(5).await.unwrap();
    assert_eq!((world.minted(), world.attempts()), (2, 3));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_key_that_is_refused_makes_no_storm() {
    let world = World::new(&[Answer::RefuseKey; 1000]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let minted = world.minted();
    assert!((2..=20).contains(&minted), "{minted} in a minute");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_host_key_blocks_and_says_so_at_once() {
    let world = World::new(&[Answer::WrongHostKey; 3]);
    world.phase(Phase::Blocked).await;
    let asked_at = Instant::now();
    let Err(NoChannel::Down(failure)) = world.open(8).await else { panic!("it opened") };
    assert_eq!(failure.reason.code, ErrorCode::HostKeyChanged);
    assert!(failure.reason.message.contains("SHA256:a"), "{}", failure.reason.message);
    assert_eq!(asked_at.elapsed(), Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(world.attempts(), 1, "no client makes it try");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.attempts(), 2, "it looks again by itself");
    world.phase(Phase::Blocked).await;
    for attempts in [3, 4] {
        world.tunnel.retry(Why::Wake).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.attempts(), attempts, "another network is another try");
    }
    world.phase(Phase::Ready).await;
    assert_eq!(world.minted(), 1, "with the key that was held");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_is_up_before_the_old_link_goes() {
    let world = World::new(&[]);
    world.open(5).await.unwrap();
    let old = world.link(0);
    old.busy.send_replace(true);
    world.tunnel.replace(true).await.unwrap();
    assert_eq!(world.minted(), 2);
    assert!(old.is_alive(), "its connections go on");
    world.open(5).await.unwrap();
    old.busy.send_replace(false);
    old.ended().await;
    assert!(old.closed());
    assert!(world.link(1).is_alive());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_fails_leaves_the_old_link_alone() {
    let world = World::new(&[Answer::Accept, Answer::Unreachable]);
    world.open(5).await.unwrap();
    let failure = world.tunnel.replace(false).await.unwrap_err();
    assert_eq!(failure.reason.code, ErrorCode::LinkLost);
    assert!(world.link(0).is_alive());
    assert_eq!(world.tunnel.status().borrow().phase, Phase::Ready);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_does_not_throw_away_a_key_that_works() {
    let world = World::new(&[]);
    world.open(5).await.unwrap();
    let outage = || Failure::new(Fault::Transient, ErrorCode::ServiceUnavailable, "503");
    world.keys.failures.lock().extend([outage(), outage()]);
    world.tunnel.replace(true).await.unwrap_err();
    world.link(0).cut();
    world.open(5).await.unwrap();
    // The same while no link is up.
    world.server.down.store(true, Ordering::SeqCst);
    world.link(1).cut();
    world.phase(Phase::Waiting).await;
    world.tunnel.replace(true).await.unwrap_err();
    world.server.down.store(false, Ordering::SeqCst);
    world.open(8).await.unwrap();
    assert_eq!(world.minted(), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_reached_for_long_may_have_moved() {
    let world = World::new(&[]);
    world.open(5).await.unwrap();
    world.server.down.store(true, Ordering::SeqCst);
    world.link(0).cut();
    tokio::time::sleep(Duration::from_secs(4 * 60)).await;
    assert_eq!(world.minted(), 1);
    // After five minutes with the next try, and that is asked for with the one after it.
    tokio::time::sleep(Duration::from_secs(3 * 60)).await;
    assert_eq!(world.minted(), 2, "the service may know better");
    let asking_is_not_wanted =
        Failure::new(Fault::Blocked { recheck: None }, ErrorCode::RefreshRequired, "ask me");
    world.keys.failures.lock().push_back(asking_is_not_wanted);
    let attempts = world.attempts();
    tokio::time::sleep(Duration::from_secs(3 * 60 * 60 + 5 * 60)).await;
    assert_eq!(world.keys.failures.lock().len(), 0, "it was asked for again");
    assert_eq!(world.minted(), 3, "after an hour and after two more");
    assert!(world.attempts() > attempts + 200, "what is held is tried all the time");
    let shown = world.tunnel.status().borrow().failure.clone().unwrap();
    assert_eq!(shown.reason.code, ErrorCode::LinkLost);
    world.server.down.store(false, Ordering::SeqCst);
    world.open(5).await.unwrap();
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_waiting_client_is_served_soon_after_the_server_is_back() {
    let world = World::new(&[]);
    world.open(5).await.unwrap();
    world.server.down.store(true, Ordering::SeqCst);
    world.link(0).cut();
    // Long enough for the backoff to have grown to its ceiling.
    tokio::time::sleep(Duration::from_secs(300)).await;
    let client = world.open(8);
    let back = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.server.down.store(false, Ordering::SeqCst);
        Instant::now()
    };
    let (channel, back_at) = tokio::join!(client, back);
    channel.unwrap();
    assert!(back_at.elapsed() <= Duration::from_secs(1), "{:?}", back_at.elapsed());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_asked() {
    let world = World::new(&[]);
    world.server.down.store(true, Ordering::SeqCst);
    let asked_at = Instant::now();
    assert!(world.open(8).await.is_err());
    let waited = asked_at.elapsed();
    assert!((8..9).contains(&waited.as_secs()), "{waited:?}");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_services_pace_is_kept_though_a_client_waits_and_broken_by_a_person() {
    let pace = Duration::from_secs(150);
    let upgrading = Fault::Paced { first: pace, ceiling: pace };
    let failure = Failure::new(upgrading, ErrorCode::Upgrading, "upgrading");
    let world = World::with_failures(&[], vec![failure]);
    world.phase(Phase::Waiting).await;
    assert!(world.open(8).await.is_err(), "a client changes nothing");
    assert_eq!(world.minted(), 0);
    world.tunnel.retry(Why::User).await;
    world.open(8).await.unwrap();
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_good_while_forgets_past_failures() {
    let world = World::new(&[Answer::Unreachable, Answer::Unreachable]);
    world.open(20).await.unwrap();
    let mut status = world.tunnel.status();
    assert_eq!(status.borrow().failures, 2);
    status.wait_for(|now| now.failures == 0).await.unwrap();
    assert_eq!(status.borrow().phase, Phase::Ready);
    world.stop().await;
}

/// Things that happen to a tunnel.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Cut,
    ServerDown,
    ServerUp,
    RefuseKeyOnce,
    Wake,
    Reconnect,
    Refresh,
    Pass(u64),
}

fn blows() -> impl Strategy<Value = Vec<Blow>> {
    let one = prop_oneof![
        Just(Blow::Cut),
        Just(Blow::ServerDown),
        Just(Blow::ServerUp),
        Just(Blow::RefuseKeyOnce),
        Just(Blow::Wake),
        Just(Blow::Reconnect),
        Just(Blow::Refresh),
        (0u64..100).prop_map(Blow::Pass),
    ];
    prop::collection::vec(one, 0..30)
}

async fn strike(world: &World, blow: Blow) {
    let bound = Duration::from_secs(60);
    match blow {
        Blow::Cut => world.server.links.lock().iter().for_each(|link| link.cut()),
        Blow::ServerDown => world.server.down.store(true, Ordering::SeqCst),
        Blow::ServerUp => world.server.down.store(false, Ordering::SeqCst),
        Blow::RefuseKeyOnce => world.server.script.lock().push_back(Answer::RefuseKey),
        Blow::Wake => world.tunnel.retry(Why::Wake).await,
        Blow::Reconnect => drop(tokio::time::timeout(bound, world.tunnel.replace(false)).await),
        Blow::Refresh => drop(tokio::time::timeout(bound, world.tunnel.replace(true)).await),
        Blow::Pass(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens: once the world is well, the tunnel is, within the longest backoff, and
    /// asks for no more keys than were refused or refreshed, but for one every five minutes in which
    /// it reached nobody.
    #[test]
    fn it_always_gets_up_again(blows in blows()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (world, begun) = (World::new(&[]), Instant::now());
            for blow in &blows {
                strike(&world, *blow).await;
            }
            world.server.down.store(false, Ordering::SeqCst);
            world.server.script.lock().clear();
            world.open(31).await.unwrap();
            let renewals = blows
                .iter()
                .filter(|blow| matches!(blow, Blow::RefuseKeyOnce | Blow::Refresh))
                .count() as u64;
            let astray = begun.elapsed().as_secs() / 300;
            prop_assert!(world.minted() <= 1 + renewals + astray, "{} keys", world.minted());
            world.stop().await;
            Ok(())
        })?;
    }
}
