//! A Postgres that restarts, is gone, is closed or is full, behind a tunnel that is well.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::time::Duration;

use borealis_proto::{ErrorCode, SessionState};
use borealis_sandbox::{Fault, Power};
use support::clients::{connect, connect_to, turned_away, url};
use support::{PATIENCE, World};
use tokio::time::{Instant, timeout};

const TARGET: &str = "sushi/DATABASE";
const SOON: Duration = Duration::from_secs(3);

async fn power(world: &World, power: Power) {
    world.sandbox.fault(Fault::Postgres { power }).await.unwrap();
}

#[tokio::test]
async fn a_restart_of_postgres_costs_its_connections_and_no_link() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let links = world.sandbox.relay_stats().accepted;
    let client = connect(&world, TARGET).await;
    let query = client.simple_query("select pg_sleep(600)");
    let (broken, ()) = tokio::join!(timeout(PATIENCE, query), async {
        let sleeps = "select 1 from pg_stat_activity where query like '%sleep(600)'";
        world
            .until("it sleeps", || async {
                world
                    .sandbox
                    .sql("d1", &format!("{sleeps} and usename like 'p\\_%'"))
                    .await
                    .unwrap()
                    .len()
                    == 1
            })
            .await;
        power(&world, Power::Restart).await;
    });
    let said = broken.unwrap().unwrap_err();
    assert_eq!(said.code().unwrap().code(), "57P01", "in Postgres' own words");
    let back = Instant::now();
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    assert!(back.elapsed() < SOON, "{:?}", back.elapsed());
    let now = world.status(TARGET).await;
    assert_eq!((now.state, now.since), (SessionState::Up, session.since));
    // A spare at most.
    assert!(world.sandbox.relay_stats().accepted <= links + 1);
    world.finish().await;
}

#[tokio::test]
async fn a_postgres_that_is_down_is_said_to_clients_in_the_status_and_by_the_doctor() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let url = url(&world, TARGET).await;
    world.until("proved", || async { world.status(TARGET).await.proved_at.is_some() }).await;
    power(&world, Power::Stop).await;
    let asked = Instant::now();
    let said = turned_away(&url).await;
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert_eq!(said.code().code(), "57P03");
    assert!(said.message().contains("cannot reach the database"), "{}", said.message());

    let shown = || async { world.status(TARGET).await.reason.map(|reason| reason.code) };
    let unreachable = Some(ErrorCode::DatabaseUnreachable);
    world.until("the status says it", || async { shown().await == unreachable }).await;
    let now = world.status(TARGET).await;
    assert_eq!((now.state, now.since), (SessionState::Up, session.since), "the tunnel is up");
    let text = world.ctl(&["ls"]).await.ok();
    assert!(text.contains("cannot reach the database"), "{text}");
    let doctor = world.ctl(&["doctor"]).await;
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.out.contains("cannot reach the database"), "{}", doctor.out);

    power(&world, Power::Start).await;
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    // One that got through is enough to look again.
    world.until("the status is well", || async { shown().await.is_none() }).await;
    world.finish().await;
}

/// Nobody tries: the daemon finds out by itself that it is well again.
#[tokio::test]
async fn what_was_shown_as_down_is_looked_at_again() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    power(&world, Power::Stop).await;
    world.ctl(&["doctor"]).await.fails(1);
    assert!(world.status(TARGET).await.reason.is_some(), "what the doctor saw is shown");
    power(&world, Power::Start).await;
    world.until("it is well", || async { world.status(TARGET).await.reason.is_none() }).await;
    world.finish().await;
}

#[tokio::test]
async fn a_database_that_is_closed_or_full_says_so_itself() {
    let world = World::new().await;
    world.up(&[TARGET, "-w"]).await;
    let sql = |sql: &'static str| world.sandbox.sql("postgres", sql);
    let url = url(&world, TARGET).await;

    sql("alter database d1 allow_connections false").await.unwrap();
    assert_eq!(turned_away(&url).await.code().code(), "55000", "not accepting connections");
    sql("alter database d1 allow_connections true").await.unwrap();
    drop(connect_to(&url).await);

    sql("alter system set max_wal_senders = 0").await.unwrap();
    sql("alter system set max_connections = 12").await.unwrap();
    power(&world, Power::Restart).await;
    // Three are kept for the superuser.
    let mut inside = Vec::new();
    for _ in 0..9 {
        inside.push(connect_to(&url).await);
    }
    assert_eq!(turned_away(&url).await.code().code(), "53300", "too many connections");
    for client in &inside {
        client.simple_query("select 1").await.unwrap();
    }
    let now = world.status(TARGET).await;
    assert_eq!((now.state, now.reason), (SessionState::Up, None), "it is Postgres' own affair");
    inside.pop();
    world
        .until("there is room again", || async {
            world.sandbox.backends("p_").await.unwrap() == inside.len()
        })
        .await;
    inside.push(connect_to(&url).await);
    drop(inside);
    world.finish().await;
}
