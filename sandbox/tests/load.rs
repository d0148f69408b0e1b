//! Many at once, and nothing left over.

mod support;

use borealis_proto::SessionState;
use borealis_sandbox::Options;
use support::machine::kib;
use support::{World, run};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the drivers end with their clients")]
async fn a_hundred_connections_through_one_session() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    let url = world.ctl(&["url", "sushi/DATABASE"]).await.ok();
    let mut connecting = JoinSet::new();
    for n in 0..100_i32 {
        let url = url.clone();
        connecting.spawn(async move {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
            let driver = tokio::task::spawn(connection);
            (n, client, driver)
        });
    }
    let clients = connecting.join_all().await;
    assert_eq!(world.status("sushi/DATABASE").await.connections.open, 100);
    assert_eq!(world.sandbox.backends("p_").await.unwrap(), 100);
    for (n, client, _) in &clients {
        let row = client.query_one("select $1::int4 * 2", &[n]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), n * 2);
    }
    drop(clients);
    world
        .until("all are gone", || async {
            world.status("sushi/DATABASE").await.connections.open == 0
        })
        .await;
    assert_eq!(world.status(session.id.as_str()).await.connections.total, 100);
    world.finish().await;
}

#[tokio::test]
async fn ten_sessions_on_five_add_ons() {
    let mut world = World::new().await;
    world.set("BOREALIS_LINKS", "1");
    let targets =
        ["sushi/DATABASE", "ramen/DATABASE", "ramen/ARCHIVE", "udon/DATABASE", "soba/DATABASE"];
    let reading = [&["up"], &targets[..]].concat();
    let writing = [&["up", "-w"], &targets[..]].concat();
    let (read, write) = tokio::join!(world.ctl(&reading), world.ctl(&writing));
    read.ok();
    write.ok();
    let sessions = world.ls().await;
    assert_eq!(sessions.len(), 10);
    assert_eq!(world.sandbox.relay_stats().accepted, 5, "one tunnel an add-on");
    let mut ports: Vec<u16> = sessions.iter().map(|session| session.endpoint.port).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 10);
    for session in &sessions {
        assert_eq!(session.state, SessionState::Up);
        let answer = world.psql(session, "select current_database(), current_user").await.ok();
        let expected = [session.database.clone().unwrap(), session.user.clone().unwrap()];
        assert_eq!(answer, expected.join("|"));
    }
    world.finish().await;
}

/// No client was there whose end could be the occasion.
#[tokio::test]
async fn the_memory_of_tunnels_that_were_closed_is_given_back() {
    const MORE: usize = 40;
    let world = World::with(Options { more_apps: MORE, ..Options::default() }).await;
    world.up(&["sushi/DATABASE"]).await;
    let pid = world.daemon().await.pid;
    let before = kib(pid, "RssAnon:");
    let targets: Vec<String> = (1..=MORE).map(|app| format!("app-{app}/DATABASE")).collect();
    let up = ["up", "--timeout", "2m"];
    let up: Vec<&str> = up.into_iter().chain(targets.iter().map(String::as_str)).collect();
    world.ctl(&up).await.ok();
    let held = kib(pid, "RssAnon:");
    assert!(held > before + 2_000, "{held} KiB: nothing that could be given back");
    world.ctl(&["down", "--all"]).await.ok();
    let half = before.midpoint(held);
    world.until("most of it is given back", || async { kib(pid, "RssAnon:") < half }).await;
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_dies_leaves_no_backend() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    for _ in 0..5 {
        let mut copy = world
            .psql_command(
                &session,
                "require",
                "copy (select generate_series(1, 100000000)) to stdout",
            )
            .await;
        let before = world.sandbox.relay_stats().to_clients;
        let mut child = copy.stdout(std::process::Stdio::null()).spawn().unwrap();
        world
            .until("rows flow", || async {
                world.sandbox.relay_stats().to_clients > before + (1 << 20)
            })
            .await;
        support::signal(&mut child, "KILL").await;
        world
            .until("its backend is gone", || async {
                world.sandbox.backends("p_").await.unwrap() == 0
            })
            .await;
    }
    assert_eq!(run(world.psql_command(&session, "require", "select 1").await).await.ok(), "1");
    world.finish().await;
}
