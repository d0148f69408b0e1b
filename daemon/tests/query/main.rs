//! The driver of our own queries against a real Postgres.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod copy;
#[path = "../support/mod.rs"]
mod support;

use borealis_proto::{Column, ErrorCode, OnError, QueryEvent, ServerMessage, Severity};
use borealisd::postgres::query::{self, CopySource, End, Login, QueryError, Question};
use borealisd::secret::Secret;
use support::PATIENCE;
use support::postgres::{PASSWORD, Postgres};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Few, so that a driver that does not wait for its receiver is found out.
const QUEUE: usize = 8;

async fn connect(postgres: &Postgres) -> TcpStream {
    TcpStream::connect(("127.0.0.1", postgres.port)).await.unwrap()
}

async fn run_as(
    postgres: &Postgres,
    user: &str,
    sql: &str,
    events: mpsc::Sender<QueryEvent>,
) -> Result<End, QueryError> {
    put_as(postgres, user, &Question::new(sql), CopySource::absent(), events).await
}

async fn put_as(
    postgres: &Postgres,
    user: &str,
    question: &Question<'_>,
    mut copy: CopySource,
    events: mpsc::Sender<QueryEvent>,
) -> Result<End, QueryError> {
    let password = Secret::new(PASSWORD.to_owned());
    let login = Login { user, password: &password, database: "postgres" };
    let stream = connect(postgres).await;
    timeout(PATIENCE, query::run(stream, login, question, &mut copy, events, |_key| ()))
        .await
        .unwrap()
}

async fn ask_as(
    postgres: &Postgres,
    user: &str,
    sql: &str,
) -> (Vec<QueryEvent>, Result<End, QueryError>) {
    put(postgres, user, &Question::new(sql), CopySource::absent()).await
}

async fn put(
    postgres: &Postgres,
    user: &str,
    question: &Question<'_>,
    copy: CopySource,
) -> (Vec<QueryEvent>, Result<End, QueryError>) {
    let (events, mut receiver) = mpsc::channel(QUEUE);
    let received = async {
        let mut all = Vec::new();
        while let Some(event) = receiver.recv().await {
            all.push(event);
        }
        all
    };
    let (result, all) = tokio::join!(put_as(postgres, user, question, copy, events), received);
    (all, result)
}

/// What is answered to whom Postgres lets in.
async fn ask(postgres: &Postgres, sql: &str) -> Vec<QueryEvent> {
    let (events, result) = ask_as(postgres, "scram", sql).await;
    assert_eq!(result.unwrap(), End::Done);
    events
}

fn columns(named: &[(&str, u32)]) -> QueryEvent {
    let column = |&(name, type_oid): &(&str, u32)| Column { name: name.to_owned(), type_oid };
    QueryEvent::Columns { columns: named.iter().map(column).collect() }
}

fn row(values: &[Option<&str>]) -> QueryEvent {
    QueryEvent::Row { values: values.iter().map(|value| value.map(str::to_owned)).collect() }
}

fn complete(tag: &str) -> QueryEvent {
    QueryEvent::Complete { tag: tag.to_owned() }
}

#[tokio::test]
async fn values_come_as_postgres_writes_them() {
    let postgres = Postgres::start(true).await;
    let sql = "select 1::int4 as a, null::text as b, '' as c, '{\"x\": 1}'::jsonb as d, \
               'ü'::text as d, true as f, 1.50::numeric as g, '\\xff'::bytea as h";
    let types = [
        ("a", 23),
        ("b", 25),
        ("c", 25),
        ("d", 3802),
        ("d", 25),
        ("f", 16),
        ("g", 1700),
        ("h", 17),
    ];
    let values = [
        Some("1"),
        None,
        Some(""),
        Some("{\"x\": 1}"),
        Some("ü"),
        Some("t"),
        Some("1.50"),
        Some("\\xff"),
    ];
    let expected = [columns(&types), row(&values), complete("SELECT 1"), QueryEvent::Done];
    assert_eq!(ask(&postgres, sql).await, expected);
}

#[tokio::test]
async fn every_statement_is_answered() {
    let postgres = Postgres::start(false).await;
    let sql = "create temp table t (n int); insert into t values (1), (2); ;
               select n from t where n > 5; update t set n = 3";
    let expected = [
        complete("CREATE TABLE"),
        complete("INSERT 0 2"),
        columns(&[("n", 23)]),
        complete("SELECT 0"),
        complete("UPDATE 2"),
        QueryEvent::Done,
    ];
    assert_eq!(ask(&postgres, sql).await, expected);
    for nothing in ["", " ", "-- a comment", ";"] {
        assert_eq!(ask(&postgres, nothing).await, [QueryEvent::Done], "{nothing:?}");
    }
}

#[tokio::test]
async fn notices_are_passed_on() {
    let postgres = Postgres::start(false).await;
    let sql = "do $$ begin raise warning 'careful' using detail = 'd', hint = 'h'; end $$";
    let notice = ServerMessage {
        severity: Severity::Warning,
        code: "01000".to_owned(),
        message: "careful".to_owned(),
        detail: Some("d".to_owned()),
        hint: Some("h".to_owned()),
        position: None,
        context: Some("PL/pgSQL function inline_code_block line 1 at RAISE".to_owned()),
    };
    let expected = [QueryEvent::Notice { notice }, complete("DO"), QueryEvent::Done];
    assert_eq!(ask(&postgres, sql).await, expected);
}

#[tokio::test]
async fn an_error_ends_the_stream_and_says_where() {
    let postgres = Postgres::start(false).await;
    let events = ask(&postgres, "select 1 as a; select nothing_like_it; select 2").await;
    let [.., QueryEvent::Error { detail, server: Some(server) }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(detail.code, ErrorCode::QueryFailed);
    assert_eq!(detail.message, "column \"nothing_like_it\" does not exist");
    assert_eq!((server.code.as_str(), server.severity), ("42703", Severity::Error));
    assert_eq!(server.position, Some(23));
    assert_eq!(events[..3], [columns(&[("a", 23)]), row(&[Some("1")]), complete("SELECT 1")]);
}

#[tokio::test]
async fn a_fatal_error_is_an_answer_too() {
    let postgres = Postgres::start(false).await;
    let (events, result) =
        ask_as(&postgres, "scram", "select pg_terminate_backend(pg_backend_pid())").await;
    assert_eq!(result.unwrap(), End::Done);
    let [.., QueryEvent::Error { detail, server: Some(server) }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((server.code.as_str(), server.severity), ("57P01", Severity::Fatal));
    assert!(detail.retryable);
}

#[tokio::test]
async fn to_continue_after_an_error_is_to_do_each_statement_alone() {
    let postgres = Postgres::start(false).await;
    postgres.psql("create table t (n int); grant all on t to public");
    let sql = "insert into t values (1); insert into t values ('ü');\n select nope; \
               insert into t values (2)";
    let question = Question { on_error: OnError::Continue, ..Question::new(sql) };
    let (events, result) = put(&postgres, "scram", &question, CopySource::absent()).await;
    assert_eq!(result.unwrap(), End::Done);
    let mut places = Vec::new();
    for event in &events {
        if let QueryEvent::Error { server: Some(server), .. } = event {
            places.push(server.position);
        }
    }
    let place = |what| sql.find(what).and_then(|at| u32::try_from(at + 1).ok());
    // The ü has two bytes and is one character.
    assert_eq!(places, [place("'ü'"), place("nope").map(|place| place - 1)]);
    assert_eq!(events.last(), Some(&QueryEvent::Done));
    assert_eq!(postgres.psql("select sum(n) from t"), "3");
}

#[tokio::test]
async fn a_single_transaction_is_all_or_nothing() {
    let postgres = Postgres::start(false).await;
    postgres.psql("create table t (n int primary key deferrable initially deferred)");
    postgres.psql("grant all on t to public");
    for (sql, rows) in [
        ("insert into t values (1); select 1 / 0", "0"),
        ("insert into t values (1); insert into t values (1)", "0"),
        ("insert into t values (1); insert into t values (2)", "2"),
    ] {
        let question = Question { single_transaction: true, ..Question::new(sql) };
        let (events, result) = put(&postgres, "scram", &question, CopySource::absent()).await;
        assert_eq!(result.unwrap(), End::Done);
        assert_eq!(events.last() == Some(&QueryEvent::Done), rows == "2", "{events:?}");
        assert!(!events.contains(&complete("COMMIT")), "{events:?}");
        assert_eq!(postgres.psql("select count(*) from t"), rows, "{sql}");
    }
}

#[tokio::test]
async fn text_in_another_encoding_is_an_error_and_not_a_guess() {
    let postgres = Postgres::start(false).await;
    let harmless = ask(&postgres, "set client_encoding = 'UTF-8'; set datestyle = 'German'").await;
    assert_eq!(harmless.last(), Some(&QueryEvent::Done));

    let sql = "set client_encoding = 'LATIN1'; select 'Ã¼'";
    let (events, result) = ask_as(&postgres, "scram", sql).await;
    assert!(matches!(result, Err(QueryError::ClientEncoding(_))), "{result:?}");
    assert!(!events.contains(&QueryEvent::Done), "{events:?}");
    let (_, result) =
        ask_as(&postgres, "scram", "set client_encoding = 'LATIN1'; select 'ü'").await;
    assert!(matches!(result, Err(QueryError::NotUtf8 { column: 1 })), "{result:?}");
}

#[tokio::test]
async fn every_way_to_log_in() {
    let with = "select usename, ssl, application_name from pg_stat_ssl \
                join pg_stat_activity using (pid) where pid = pg_backend_pid()";
    for tls in [true, false] {
        let postgres = Postgres::start(tls).await;
        for user in ["scram", "hashed", "trusted"] {
            let (events, result) = ask_as(&postgres, user, with).await;
            assert_eq!(result.unwrap(), End::Done, "{user}");
            let ssl = if tls { "t" } else { "f" };
            assert_eq!(events[1], row(&[Some(user), Some(ssl), Some("borealisctl")]));
        }
        let (_, clear) = ask_as(&postgres, "clear", "select 1").await;
        if tls {
            assert_eq!(clear.unwrap(), End::Done);
        } else {
            assert!(matches!(clear, Err(QueryError::ClearPassword)), "{clear:?}");
        }
        postgres.psql("alter role scram password 'another'");
        let (events, refused) = ask_as(&postgres, "scram", "select 1").await;
        assert!(refused.as_ref().is_err_and(QueryError::is_login_refused), "{refused:?}");
        assert_eq!(events, []);
    }
}

#[tokio::test]
async fn a_million_rows_wait_for_a_slow_receiver() {
    const ROWS: usize = 1_000_000;
    let postgres = Postgres::start(true).await;
    let (events, mut receiver) = mpsc::channel(QUEUE);
    let slow = async {
        let mut rows = 0;
        let mut last = None;
        while let Some(event) = receiver.recv().await {
            if let QueryEvent::Row { values } = &event {
                rows += 1;
                assert_eq!(values[0].as_deref(), Some(rows.to_string().as_str()));
                if rows % 1_000 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            last = Some(event);
        }
        (rows, last)
    };
    let sql = format!("select n, repeat('x', 50) from generate_series(1, {ROWS}) as n");
    let (result, (rows, last)) = tokio::join!(run_as(&postgres, "scram", &sql, events), slow);
    assert_eq!(result.unwrap(), End::Done);
    assert_eq!((rows, last), (ROWS, Some(QueryEvent::Done)));
}

#[tokio::test]
async fn nothing_is_read_while_nobody_receives() {
    let postgres = Postgres::start(false).await;
    let (events, mut receiver) = mpsc::channel(QUEUE);
    let sql = "select generate_series(1, 100000000)";
    let blocked = "select count(*) from pg_stat_activity \
                   where wait_event = 'ClientWrite' and query like '%generate_series%'";
    let mut running = Box::pin(run_as(&postgres, "scram", sql, events));
    let held_up = async {
        while receiver.len() < QUEUE || postgres.psql(blocked) != "1" {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        result = &mut running => panic!("{result:?}"),
        () = held_up => (),
    }

    receiver.close();
    let end = running.await.unwrap();
    assert_eq!(end, End::CallerGone);
}

#[tokio::test]
async fn a_caller_that_goes_can_have_its_query_cancelled() {
    let postgres = Postgres::start(false).await;
    let asleep = "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)'";
    let (events, mut receiver) = mpsc::channel(QUEUE);
    let mut entered = None;
    let password = Secret::new(PASSWORD.to_owned());
    let login = Login { user: "scram", password: &password, database: "postgres" };
    let (stream, mut copy) = (connect(&postgres).await, CopySource::absent());
    let question = Question::new("select pg_sleep(600)");
    let running =
        query::run(stream, login, &question, &mut copy, events, |key| entered = Some(key));
    let leave = async {
        while postgres.psql(asleep) != "1" {
            tokio::task::yield_now().await;
        }
        receiver.close();
    };
    let (end, ()) = timeout(PATIENCE, async { tokio::join!(running, leave) }).await.unwrap();
    assert_eq!(end.unwrap(), End::CallerGone);
    let key = entered.unwrap();
    assert_eq!(postgres.psql(asleep), "1");

    let mut other = connect(&postgres).await;
    other.write_all(&query::cancel_request(&key)).await.unwrap();
    assert_eq!(other.read(&mut [0; 1]).await.unwrap(), 0);
    let gone = async {
        while postgres.psql(asleep) != "0" {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn a_zero_byte_is_no_sql() {
    let postgres = Postgres::start(false).await;
    let (_, result) = ask_as(&postgres, "scram", "select 1 \0 ; drop").await;
    assert!(matches!(result, Err(QueryError::ZeroByte)), "{result:?}");
}
