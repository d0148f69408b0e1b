//! What still runs in Postgres when its session ends: stopped, and nobody else's with it.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::process::{Output, Stdio};

use borealis_proto::Session;
use support::{PATIENCE, World};
use tokio::process::{Child, Command};

const TARGET: &str = "sushi/DATABASE";
/// Longer than any test: only who ends it makes it end.
const SLEEP: &str = "select pg_sleep(600)";

/// How many sleep in Postgres, by the user's prefix.
async fn asleep(world: &World, user: &str) -> usize {
    let sql = format!(
        "select 1 from pg_stat_activity where query = '{SLEEP}' and state = 'active' \
         and starts_with(usename, '{user}')"
    );
    world.sandbox.sql("d1", &sql).await.unwrap().len()
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn output(child: Child) -> (Output, String) {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    (output, said)
}

async fn psql_asleep(world: &World, session: &Session, sslmode: &str) -> Child {
    let before = asleep(world, "p_").await;
    let child = start(world.psql_command(session, sslmode, SLEEP).await);
    world.until("psql sleeps", || async { asleep(world, "p_").await > before }).await;
    child
}

#[tokio::test]
async fn down_ends_what_runs_in_psql_and_says_so() {
    let world = World::new().await;
    for (sslmode, drain) in [("require", "0"), ("disable", "0"), ("require", "300ms")] {
        let session = world.up(&[TARGET]).await;
        let (one, other) = (
            psql_asleep(&world, &session, sslmode).await,
            psql_asleep(&world, &session, sslmode).await,
        );
        world.ctl(&["down", TARGET, "--drain", drain]).await.ok();
        assert_eq!(asleep(&world, "p_").await, 0, "{sslmode} {drain}");
        for child in [one, other] {
            let (ended, said) = output(child).await;
            assert_eq!(ended.status.code(), Some(2), "psql lost its connection");
            assert!(said.contains("terminating connection"), "{said}");
        }
        world.nothing_left().await;
    }
    world.finish().await;
}

#[tokio::test]
async fn the_end_of_the_daemon_ends_it_too() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let child = psql_asleep(&world, &session, "require").await;
    world.ctl(&["daemon", "stop"]).await.ok();
    assert_eq!(asleep(&world, "p_").await, 0);
    output(child).await;
    world.finish().await;
}

#[tokio::test]
async fn a_query_of_run_is_cancelled() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    for identity in [&[][..], &["-u"][..]] {
        let args = [&["run", TARGET], identity, &["-d", SLEEP]].concat();
        let child = start(world.ctl_command(&args));
        world
            .until("it sleeps", || async {
                asleep(&world, "p_").await + asleep(&world, "app_").await == 1
            })
            .await;
        world.ctl(&["down", "--all", "--drain", "0"]).await.ok();
        assert_eq!(asleep(&world, "p_").await + asleep(&world, "app_").await, 0, "{identity:?}");
        assert_ne!(output(child).await.0.status.code(), Some(0));
        world.nothing_left().await;
        world.up(&[TARGET]).await;
    }
    world.finish().await;
}

/// Another machine of the same person may have the same database user.
#[tokio::test]
async fn what_others_run_as_the_same_user_goes_on() {
    let world = World::new().await;
    let session = world.up(&[TARGET]).await;
    let port = world.psql(&session, "select inet_server_port()").await.ok();
    let url = world.ctl(&["url", TARGET]).await.ok();
    let direct = url.replace(&format!(":{}/", session.endpoint.port), &format!(":{port}/"));
    let elsewhere = || {
        let mut psql = world.command("psql");
        psql.args(["-X", "-c", SLEEP, &direct]);
        start(psql)
    };
    let mut others = vec![elsewhere()];
    world.until("the other sleeps", || async { asleep(&world, "p_").await == 1 }).await;
    // Far enough from ours to be told apart: what is left between them is the clock's.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let ours = psql_asleep(&world, &session, "require").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    others.push(elsewhere());
    world.until("all sleep", || async { asleep(&world, "p_").await == 3 }).await;

    world.ctl(&["down", TARGET, "--drain", "0"]).await.ok();
    assert!(output(ours).await.1.contains("terminating connection"));
    assert_eq!(asleep(&world, "p_").await, 2, "theirs go on");
    let end =
        format!("select pg_terminate_backend(pid) from pg_stat_activity where query = '{SLEEP}'");
    world.sandbox.sql("d1", &end).await.unwrap();
    for other in others {
        output(other).await;
    }
    world.finish().await;
}
