//! The main job: open, ask, share, dump, cancel.

mod support;

use std::time::Duration;

use borealis_proto::{Access, SessionState};
use support::{World, run, signal};

const ADDON: &str = "borealis-pg-hex-12345";

#[tokio::test]
async fn up_opens_once_and_psql_answers_with_tls_and_without() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    assert_eq!(session.state, SessionState::Up);
    assert_eq!((session.addon.as_str(), session.access), (ADDON, Access::ReadOnly));
    assert_eq!(session.endpoint.host, "127.0.0.1");

    for again in ["sushi/DATABASE", "sushi::DATABASE", "sushi/DATABASE_URL", ADDON, "sushi"] {
        let same = world.up(&[again]).await;
        assert_eq!((same.id, same.endpoint), (session.id.clone(), session.endpoint.clone()));
    }
    assert_eq!(world.ls().await.len(), 1);

    let tls = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    assert_eq!(world.psql_with(&session, "require", tls).await.ok(), "t");
    assert_eq!(world.psql_with(&session, "disable", tls).await.ok(), "f");
    world.finish().await;
}

#[tokio::test]
async fn two_accesses_share_one_tunnel() {
    let mut world = World::new().await;
    world.set("BOREALIS_LINKS", "1");
    let reading = world.up(&["sushi/DATABASE"]).await;
    let writing = world.up(&["sushi/DATABASE", "--write-access"]).await;
    assert_ne!(reading.endpoint.port, writing.endpoint.port);
    assert_eq!(world.sandbox.relay_stats().accepted, 1, "one SSH connection");
    assert_eq!(world.sandbox.count("POST", "/personal-ssh-users"), 1);
    assert_eq!(world.sandbox.count("POST", "/personal-db-users"), 2);

    let create = "create table made_by_test (n int)";
    assert!(world.psql(&reading, create).await.fails(1).contains("read-only"));
    world.psql(&writing, create).await.ok();
    world.ctl(&["down", "sushi/DATABASE", "-w"]).await.ok();
    assert_eq!(world.psql(&reading, "select 1").await.ok(), "1", "the tunnel stays for the other");
    world.finish().await;
}

#[tokio::test]
async fn the_commands_that_use_a_session() {
    let world = World::new().await;
    let target = "sushi/DATABASE";
    let session = world.up(&[target]).await;
    let whoami = "select current_user";
    let psql = ["psql", target, "--", "-X", "-A", "-t", "-c", whoami];
    assert_eq!(world.ctl(&psql).await.ok(), session.user.clone().unwrap());

    let csv = world.ctl(&["run", target, "-u", "-d", whoami, "-f", "csv"]).await.ok();
    assert_eq!(csv.lines().last(), session.user.as_deref());
    let app = world.ctl(&["run", target, "-d", whoami, "-f", "csv"]).await.ok();
    assert!(app.lines().last().unwrap().starts_with("app_"), "{app}");

    let shell = world.ctl(&["run", target, "-u", "-e", "echo $PGUSER; exit 7"]).await;
    assert_eq!((shell.code, shell.out.trim()), (Some(7), session.user.as_deref().unwrap()));
    let child = ["run", target, "-u", "--", "psql", "-X", "-A", "-t", "-c", "select 6 * 7"];
    assert_eq!(world.ctl(&child).await.ok(), "42");
    let killed = world.ctl(&["run", target, "-u", "-e", "kill -TERM $$"]).await;
    assert_eq!(killed.code, Some(128 + 15));

    let env = world.ctl(&["env", target]).await.ok();
    for name in ["PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "DATABASE_URL"] {
        assert!(env.contains(name), "{env}");
    }
    assert_eq!(world.ls().await.len(), 1, "what run and psql opened for themselves is gone");
    world.finish().await;
}

#[tokio::test]
async fn a_session_that_psql_opens_ends_with_psql() {
    let world = World::new().await;
    let psql = ["psql", "sushi/DATABASE", "--", "-X", "-A", "-t", "-c", "select 1"];
    assert_eq!(world.ctl(&psql).await.ok(), "1");
    world.until("the session is gone", || async { world.ls().await.is_empty() }).await;

    let mut killed = world
        .ctl_command(&["psql", "sushi/DATABASE", "--", "-X", "-c", "select pg_sleep(60)"])
        .spawn()
        .unwrap();
    world
        .until("the query runs", || async {
            world.sandbox.backends("p_").await.unwrap() == 1 && world.ls().await.len() == 1
        })
        .await;
    signal(&mut killed, "KILL").await;
    world.until("it is gone also after kill -9", || async { world.ls().await.is_empty() }).await;
    world.finish().await;
}

#[tokio::test]
async fn tunnel_stays_in_the_foreground_and_goes_down_on_ctrl_c() {
    let world = World::new().await;
    let mut tunnel = world.ctl_command(&["tunnel", "sushi/DATABASE"]).spawn().unwrap();
    world
        .until("it is up", || async {
            world.ls().await.iter().any(|session| session.state == SessionState::Up)
        })
        .await;
    let session = world.ls().await.remove(0);
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    assert!(signal(&mut tunnel, "INT").await.success());
    world.until("it is down", || async { world.ls().await.is_empty() }).await;
    world.finish().await;
}

#[tokio::test]
async fn pg_dump_of_200_mb_comes_through_whole() {
    let world = World::new().await;
    world.up(&["sushi/DATABASE"]).await;
    // 200 rows of 1 MiB of hexadecimal digits, different in each.
    let fill = "create table big as select n, (select string_agg(md5(n || '-' || m), '') \
                from generate_series(1, 32768) m) as text from generate_series(1, 200) n";
    world.sandbox.sql("d1", fill).await.unwrap();
    let url = world.ctl(&["url", "sushi/DATABASE"]).await.ok();
    let mut dump = world.command("pg_dump");
    dump.args(["--data-only", "--table=big", &format!("{url}?sslmode=require")]);
    let dump = run(dump).await.ok();
    let rows: Vec<&str> = dump.lines().filter(|line| line.contains('\t')).collect();
    assert_eq!(rows.len(), 200);
    assert!(dump.len() > 200 * 1024 * 1024, "{}", dump.len());
    let theirs = "select md5(string_agg(n || e'\\t' || text, e'\\n' order by n)) from big";
    let theirs = world.sandbox.sql("d1", theirs).await.unwrap()[0][0].clone().unwrap();
    let sum = world.sandbox.dir().join("rows");
    std::fs::write(&sum, rows.join("\n")).unwrap();
    let mut md5 = world.command("md5sum");
    md5.arg(&sum);
    assert!(run(md5).await.ok().starts_with(&theirs));
    let moved = world.status("sushi/DATABASE").await.bytes.received;
    assert!(moved > 200 * 1024 * 1024, "{moved} bytes were counted");
    world.finish().await;
}

#[tokio::test]
async fn ctrl_c_in_psql_cancels_the_query() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    for own in [false, true] {
        let mut command = if own {
            world.ctl_command(&["run", "sushi/DATABASE", "-u", "-d", "select pg_sleep(60)"])
        } else {
            world.psql_command(&session, "require", "select pg_sleep(60)").await
        };
        let mut child = command.spawn().unwrap();
        let sleeping = "select 1 from pg_stat_activity where query = 'select pg_sleep(60)' \
                        and state = 'active'";
        let count = || async { world.sandbox.sql("d1", sleeping).await.unwrap().len() };
        world.until("the query runs", || async { count().await == 1 }).await;
        let status = signal(&mut child, "INT").await;
        assert!(!status.success());
        world.until("the query is cancelled", || async { count().await == 0 }).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_comes_while_the_session_is_blocked_is_told_why() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    let url = world.ctl(&["url", "sushi/DATABASE"]).await.ok();
    world.sandbox.fault(borealis_sandbox::Fault::HostKey { announce: false }).await.unwrap();
    world.sandbox.fault(borealis_sandbox::Fault::Cut).await.unwrap();
    world.until_state("sushi/DATABASE", SessionState::Blocked).await;
    let mut psql = world.command("psql");
    psql.args(["-X", "-c", "select 1", &url]);
    let asked = tokio::time::Instant::now();
    let error = run(psql).await.fails(2);
    assert!(error.contains("host key"), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(5), "it need not wait");
    assert_eq!(world.status(session.id.as_str()).await.endpoint, session.endpoint);
    world.finish().await;
}
