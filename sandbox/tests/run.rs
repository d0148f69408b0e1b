//! `run`, `ps`, `locks` and `kill`, with a real Postgres behind the tunnel.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails should fail the test"
)]

mod support;

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use support::machine::kib;
use support::{PATIENCE, Said, World, run, signal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Child;

const TARGET: &str = "sushi/DATABASE";

/// The most that the daemon and the client may have had in memory, in KiB.
const MEMORY: u64 = 64 * 1024;

/// The most that the daemon may have had with rows of 4 MB, in KiB: a row is there as it came, as text
/// and as JSON, and the next one is begun.
const WIDE: u64 = 80 * 1024;

async fn sql(world: &World, more: &[&str], text: &str) -> Said {
    world.ctl(&[&["run", TARGET, "-w"], more, &["-d", text]].concat()).await
}

/// What a program makes of this on its stdin.
async fn fed(world: &World, args: &[&str], data: &str) -> Said {
    let mut command = world.ctl_command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let data = data.to_owned();
    let write = async move {
        // A program that has failed reads no more.
        let _ = stdin.write_all(data.as_bytes()).await;
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), write);
    let output = output.unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_million_rows_come_through_in_bounded_memory() {
    const ROWS: &str = "select n, md5(n::text), now() from generate_series(1, 1000000) n";
    let world = World::new().await;
    world.up(&[TARGET]).await;
    let mut counted = world.command("sh");
    let ctl = support::program("borealisctl");
    let line = format!("{} run {TARGET} -u -f csv -d \"{ROWS}\" | wc -l", ctl.display());
    counted.args(["-c", &line]);
    assert_eq!(run(counted).await.ok(), "1000001", "a header and a million rows");

    let mut command = world.ctl_command(&["run", TARGET, "-u", "-d", ROWS]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut rows, mut client) = (0, 0);
    while let Some(line) = lines.next_line().await.unwrap() {
        rows += u32::from(line.matches('|').count() == 2);
        // At its end there is nothing to see any more.
        if rows == 950_000 {
            client = kib(child.id().unwrap(), "VmHWM:");
        }
    }
    assert_eq!(rows, 1_000_001, "a header and a million rows");
    assert!(child.wait().await.unwrap().success());
    assert!(client > 0 && client < MEMORY, "the client had {client} KiB");
    let daemon = kib(world.daemon().await.pid, "VmHWM:");
    assert!(daemon < MEMORY, "the daemon had {daemon} KiB");
    world.finish().await;
}

/// Rows of megabytes, and a reader that does not come: what is queued is bounded by its size.
#[tokio::test]
async fn wide_rows_that_nobody_reads_wait_in_postgres() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    let wide = "select repeat('x', 4000000) from generate_series(1, 40)";
    for text in [wide.to_owned(), format!("copy ({wide}) to stdout")] {
        let mut command = world.ctl_command(&["run", TARGET, "-u", "-f", "csv", "-d", &text]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut first = [0; 4096];
        out.read_exact(&mut first).await.unwrap();
        // Long enough for all of it to come, if it did.
        let received = async || world.status(TARGET).await.bytes.received;
        let mut before = received().await;
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = received().await;
            if now == before {
                break;
            }
            before = now;
        }
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).await.unwrap();
        assert!(child.wait().await.unwrap().success());
        assert!(first.len() + rest.len() > 160_000_000, "{} bytes", rest.len());
    }
    let daemon = kib(world.daemon().await.pid, "VmHWM:");
    assert!(daemon < WIDE, "the daemon had {daemon} KiB");
    world.finish().await;
}

#[tokio::test]
async fn copy_goes_both_ways() {
    let world = World::new().await;
    sql(&world, &[], "create table rolls (n int, name text)").await.ok();
    let copy = [
        "run",
        TARGET,
        "-w",
        "-d",
        "copy rolls from stdin csv; select count(*) from rolls",
        "-f",
        "csv",
    ];
    let data: String = (0..200_000).map(|n| format!("{n},roll {n}\n")).collect();
    let said = fed(&world, &copy, &data).await;
    assert_eq!(said.err, "COPY 200000\n");
    assert_eq!(said.ok(), "count\n200000");

    let out = sql(&world, &[], "copy (select * from rolls order by n) to stdout csv").await;
    assert_eq!(out.err, "");
    assert_eq!(out.out, data);
    // Far more than all buffers on the way: the reader waits for the writer, and must not stop it.
    let binary = "copy (select n, repeat(name, 40) from rolls) to stdout (format binary)";
    let there = format!(
        "{ctl} run {TARGET} -d '{binary}' | {ctl} run {TARGET} -w -d 'copy rolls from stdin (format binary)'",
        ctl = support::program("borealisctl").display(),
    );
    let mut shell = world.command("sh");
    shell.args(["-c", &there]);
    assert_eq!(run(shell).await.ok(), "COPY 200000");

    let wrong = fed(&world, &copy, "1,one\ntwo,two\n").await;
    let error = wrong.fails(1);
    assert!(error.contains("22P02") && error.contains("CONTEXT:  COPY rolls, line 2"), "{error}");
    let none = fed(&world, &["run", TARGET, "-w", "-i", "-"], "copy rolls from stdin").await;
    assert!(none.fails(1).contains("no data came with the query"));
    assert_eq!(
        world.sandbox.sql("d1", "select count(*) from rolls").await.unwrap()[0][0].as_deref(),
        Some("400000")
    );
    world.finish().await;
}

/// Half of a file must not look like the whole one.
#[tokio::test]
async fn a_copy_whose_client_dies_leaves_nothing() {
    let world = World::new().await;
    sql(&world, &[], "create table rolls (n int)").await.ok();
    for name in ["KILL", "INT"] {
        let mut command = world.ctl_command(&["run", TARGET, "-w", "-d", "copy rolls from stdin"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        // Open until the client has ended: to wait for a child closes what it still reads, and the
        // end of its input is the end of the copy.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&b"1\n".repeat(100_000)).await.unwrap();
        let copying = "select 1 from pg_stat_progress_copy where tuples_processed > 0";
        world
            .until("rows were copied", || async {
                !world.sandbox.sql("d1", copying).await.unwrap().is_empty()
            })
            .await;
        let status = signal(&mut child, name).await;
        assert_eq!(status.code(), (name == "INT").then_some(130));
        drop(stdin);
        world
            .until("the copy is over", || async {
                world.sandbox.backends("app_").await.unwrap() == 0
            })
            .await;
    }
    assert_eq!(sql(&world, &["-f", "csv"], "select count(*) from rolls").await.ok(), "count\n0");
    world.finish().await;
}

#[tokio::test]
async fn an_error_shows_its_place_and_stops_or_not() {
    let world = World::new().await;
    let text = "create table rolls (n int);\nselect 'ü', nope from rolls;\nselect 1 as after";
    let stopped = sql(&world, &[], text).await;
    assert!(stopped.out.starts_with("CREATE TABLE"), "{stopped:?}");
    let error = stopped.fails(1);
    let place = "error: 42703: column \"nope\" does not exist\n\
                 LINE 2: select 'ü', nope from rolls;\n                    ^\n";
    assert_eq!(error, place);
    let there = "select 1 from pg_class where relname = 'rolls'";
    assert!(world.sandbox.sql("d1", there).await.unwrap().is_empty(), "it was undone");

    let go_on = sql(&world, &["--on-error", "continue", "-f", "json"], text).await;
    assert_eq!(go_on.out, "[\n{\"after\":1}\n]\n");
    assert_eq!(go_on.fails(1), format!("CREATE TABLE\n{place}"));
    assert_eq!(world.sandbox.sql("d1", there).await.unwrap().len(), 1);

    let both = ["--on-error", "continue", "--single-transaction"];
    sql(&world, &both, "select 1").await.fails(2);
    let all =
        "insert into rolls values (1); commit; begin; insert into rolls values (2); select 1/0";
    assert!(sql(&world, &["--single-transaction"], all).await.fails(1).contains("22012"));
    assert_eq!(sql(&world, &["-f", "csv"], "select n from rolls").await.ok(), "n\n1");
    world.finish().await;
}

#[tokio::test]
async fn results_come_in_order_and_notices_beside_them() {
    let world = World::new().await;
    let text = "select 1 as a; do $$ begin raise notice 'listen'; end $$; select 2 as b, null as b, '' as b";
    let said = sql(&world, &["-f", "json"], text).await;
    assert_eq!(said.err, "NOTICE:  listen\nDO\n");
    let results: Vec<Value> =
        serde_json::Deserializer::from_str(&said.out).into_iter().map(Result::unwrap).collect();
    assert_eq!(results, [json!([{"a": 1}]), json!([{"b": 2, "b_2": null, "b_3": ""}])]);
    let mut head = world.command("sh");
    let many = "select generate_series(1, 1000000)";
    head.args([
        "-c",
        &format!(
            "{} run {TARGET} -f csv -d '{many}' | head -n 2",
            support::program("borealisctl").display()
        ),
    ]);
    let said = run(head).await;
    assert_eq!((said.out.as_str(), said.err.as_str()), ("generate_series\n1\n", ""));
    world.finish().await;
}

#[tokio::test]
async fn a_program_gets_a_password_file_that_is_on_no_disk() {
    let mut world = World::new().await;
    // Only the file is left to get in with.
    let shell = "test -f $PGPASSFILE && unset PGPASSWORD DATABASE_URL && psql -X -A -t -c 'select 6 * 7' && echo $PGPASSFILE";
    world.set("PGSERVICE", "nowhere");
    let out = world.ctl(&["run", TARGET, "-u", "-e", shell]).await.ok();
    let (answer, path) = out.split_once('\n').unwrap();
    assert_eq!(answer, "42");
    assert!(path.starts_with("/proc/"), "{path}");
    assert!(!std::path::Path::new(path).exists());
    let echoed = fed(&world, &["run", TARGET, "-u", "--", "cat"], "a\r\nb").await;
    assert_eq!(echoed.out, "a\r\nb");
    world.finish().await;
}

/// A query that sleeps, by its own user, and its backend's number.
async fn sleeper(world: &World, args: &[&str]) -> (Child, String) {
    let args = [&["run", TARGET], args, &["-d", "select pg_sleep(600)"]].concat();
    let mut command = world.ctl_command(&args);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let find = "select pid from pg_stat_activity where query = 'select pg_sleep(600)'";
    world
        .until("it sleeps", || async { world.sandbox.sql("d1", find).await.unwrap().len() == 1 })
        .await;
    let pid = world.sandbox.sql("d1", find).await.unwrap()[0][0].clone().unwrap();
    (child, pid)
}

#[tokio::test]
async fn ps_shows_what_kill_ends() {
    let world = World::new().await;
    let (own, pid) = sleeper(&world, &["-u"]).await;
    let shown = world.ctl(&["ps", TARGET, "--json"]).await.ok();
    let rows: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(rows[0]["pid"].to_string(), pid);
    assert_eq!(rows[0]["state"], "active");
    assert_eq!(rows[0]["source"], "borealisctl");
    assert_eq!(rows[0]["query"], "select pg_sleep(600)");
    let table = world.ctl(&["ps", TARGET]).await.ok();
    let header = table.lines().next().unwrap();
    let columns: Vec<&str> = header.split('|').map(str::trim).collect();
    assert_eq!(
        columns,
        [
            "pid",
            "state",
            "source",
            "username",
            "running_for",
            "transaction_start",
            "waiting",
            "query"
        ]
    );
    let killed = world.ctl(&["kill", TARGET, &pid]).await.ok();
    assert!(killed.contains("pg_cancel_backend"), "{killed}");
    let output = tokio::time::timeout(PATIENCE, own.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("57014"));

    // The application's own query: the reader may not, the writer may.
    let (app, pid) = sleeper(&world, &["-w"]).await;
    let killed = world.ctl(&["kill", "--app", "sushi", &pid, "--force", "--json"]).await.ok();
    assert_eq!(
        serde_json::from_str::<Value>(&killed).unwrap(),
        json!([{"pg_terminate_backend": true}])
    );
    let output = tokio::time::timeout(PATIENCE, app.wait_with_output()).await.unwrap().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("57P01"));

    let nobody = world.ctl(&["kill", TARGET, "999999"]).await;
    assert!(nobody.fails(1).contains("not a PostgreSQL"));
    assert!(world.ctl(&["kill", TARGET, "one"]).await.fails(2).contains("borealisctl ps"));
    world.finish().await;
}

#[tokio::test]
async fn locks_shows_who_keeps_whom_out() {
    let world = World::new().await;
    sql(&world, &[], "create table rolls (n int)").await.ok();
    let text = "begin; lock table rolls in exclusive mode; select pg_sleep(600)";
    let mut holder = world.ctl_command(&["run", TARGET, "-w", "-d", text]).spawn().unwrap();
    let held = || async {
        let shown = world.ctl(&["locks", TARGET, "-w", "--json"]).await.ok();
        let rows: Value = serde_json::from_str(&shown).unwrap();
        rows.as_array().unwrap().iter().find(|row| row["relname"] == "rolls").cloned()
    };
    world.until("the lock is held", || async { held().await.is_some() }).await;
    let row = held().await.unwrap();
    assert_eq!(row["granted"], true);
    assert_eq!(row["query_snippet"], "begin; lock table rolls in exclusive mo…");
    let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 6, "{keys:?}");
    assert_eq!(signal(&mut holder, "INT").await.code(), Some(130));
    world.finish().await;
}

/// As a terminal does it: Ctrl+C goes to all of the foreground.
#[tokio::test]
async fn ctrl_c_goes_to_psql() {
    let world = World::new().await;
    let mut command =
        world.ctl_command(&["psql", TARGET, "--", "-X", "-c", "select pg_sleep(600)"]);
    let child = command.process_group(0).stderr(Stdio::piped()).spawn().unwrap();
    let find = "select 1 from pg_stat_activity where query = 'select pg_sleep(600)'";
    world
        .until("it sleeps", || async { world.sandbox.sql("d1", find).await.unwrap().len() == 1 })
        .await;
    let mut kill = world.command("kill");
    kill.args(["-INT", "--", &format!("-{}", child.id().unwrap())]);
    run(kill).await.ok();
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1), "psql's own code");
    assert!(String::from_utf8(output.stderr).unwrap().contains("canceling statement"));
    world.finish().await;
}

#[tokio::test]
async fn sql_that_begins_as_editors_and_people_write_it() {
    let world = World::new().await;
    world.up(&[TARGET, "-w"]).await;
    let csv = ["-f", "csv"];
    assert_eq!(sql(&world, &csv, "-- seven\nselect 7").await.ok(), "?column?\n7");
    let args = ["run", TARGET, "-w", "-f", "csv", "-i", "-"];
    assert_eq!(fed(&world, &args, "\u{feff}select 7").await.ok(), "?column?\n7");
    world.finish().await;
}

/// Statement by statement, what stands in a row of data would be a statement too.
#[tokio::test]
async fn the_data_of_a_dump_is_never_run() {
    let world = World::new().await;
    world.up(&[TARGET, "-w"]).await;
    sql(&world, &[], "create table kept (line text)").await.ok();
    sql(&world, &[], "insert into kept values ('one')").await.ok();
    let dump = "copy kept (line) from stdin;\nfirst; delete from kept; last\n\\.\n";
    let run = ["run", TARGET, "-w", "-f", "csv", "-i", "-"];
    let said = fed(&world, &[&run[..], &["--on-error", "continue"]].concat(), dump).await.fails(2);
    assert!(said.contains("borealisctl psql"), "{said}");
    fed(&world, &run, dump).await.fails(1);
    assert_eq!(sql(&world, &["-f", "csv"], "select line from kept").await.ok(), "line\none");

    let long = format!("select '{}'", "x".repeat(4 << 20));
    let said = fed(&world, &run, &long).await.fails(2);
    assert!(said.contains("4 MiB") && said.contains("borealisctl psql"), "{said}");
    let fits = format!("select length('{}')", "\n".repeat((4 << 20) - 100));
    assert_eq!(fed(&world, &run, &fits).await.ok(), "length\n4194204");
    world.finish().await;
}
