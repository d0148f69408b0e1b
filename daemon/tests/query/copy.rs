//! COPY, in both directions.

use borealis_proto::{QueryEvent, ServerMessage};
use borealisd::postgres::query::{CopySource, End, Piece, Question};
use tokio::sync::mpsc;

use crate::support::postgres::Postgres;
use crate::{ask, columns, complete, put, row};

/// What is answered to a question with data; the data is whole unless it is told to be cut.
async fn copy_in(postgres: &Postgres, sql: &str, data: &[&str], whole: bool) -> Vec<QueryEvent> {
    let (sender, receiver) = mpsc::channel(1);
    let question = Question::new(sql);
    let send = async move {
        for text in data {
            // A driver that has stopped listening is what some tests are about.
            let _ = sender.send(Piece::Data(text.as_bytes().to_vec().into())).await;
        }
        if whole {
            let _ = sender.send(Piece::End).await;
        }
    };
    let asked = put(postgres, "scram", &question, CopySource::new(receiver));
    let ((events, result), ()) = tokio::join!(asked, send);
    assert_eq!(result.unwrap(), End::Done);
    events
}

fn refused(events: &[QueryEvent]) -> &ServerMessage {
    let Some(QueryEvent::Error { server: Some(server), .. }) = events.last() else {
        panic!("{events:?}")
    };
    server
}

#[tokio::test]
async fn copy_to_stdout_is_text_or_base64() {
    let postgres = Postgres::start(false).await;
    let sql = "copy (values (1, 'ü'), (2, null)) to stdout; select 1 as a";
    let data = |data: &str| QueryEvent::CopyData { data: data.to_owned() };
    let expected = [
        QueryEvent::CopyOut { binary: false },
        data("1\tü\n"),
        data("2\t\\N\n"),
        complete("COPY 2"),
        columns(&[("a", 23)]),
        row(&[Some("1")]),
        complete("SELECT 1"),
        QueryEvent::Done,
    ];
    assert_eq!(ask(&postgres, sql).await, expected);
    let events = ask(&postgres, "copy (select true) to stdout (format binary)").await;
    let [QueryEvent::CopyOut { binary: true }, QueryEvent::CopyData { data }, ..] = &events[..]
    else {
        panic!("{events:?}")
    };
    // The file's signature, "PGCOPY\n\xff\r\n".
    assert!(data.starts_with("UEdDT1BZCv8NC"), "{data}");
}

#[tokio::test]
async fn copy_from_stdin_takes_all_data_or_none() {
    let postgres = Postgres::start(true).await;
    postgres.psql("create table t (n int); grant all on t to public");
    let copy = "copy t from stdin; select sum(n) from t";
    let events = copy_in(&postgres, copy, &["1\n", "2", "0\n", "300\n"], true).await;
    let expected = [
        QueryEvent::CopyIn,
        complete("COPY 3"),
        columns(&[("sum", 20)]),
        row(&[Some("321")]),
        complete("SELECT 1"),
        QueryEvent::Done,
    ];
    assert_eq!(events, expected);

    let cut = copy_in(&postgres, copy, &["4\n"], false).await;
    assert!(refused(&cut).message.contains("cut off"), "{cut:?}");
    let wrong = copy_in(&postgres, copy, &["5\n", "six\n", &"7\n".repeat(50_000)], true).await;
    assert_eq!(refused(&wrong).code, "22P02");
    assert_eq!(refused(&wrong).context.as_deref(), Some("COPY t, line 2, column n: \"six\""));
    let twice = copy_in(&postgres, "copy t from stdin; copy t from stdin", &["8\n"], true).await;
    assert!(refused(&twice).message.contains("another COPY has taken the data"), "{twice:?}");
    let none = ask(&postgres, copy).await;
    assert!(refused(&none).message.contains("no data came with the query"), "{none:?}");
    assert_eq!(postgres.psql("select sum(n) from t"), "321");
}

/// Postgres stops reading the rows while nobody reads the notices.
#[tokio::test]
async fn notices_in_a_copy_are_read_meanwhile() {
    const ROWS: usize = 20_000;
    let postgres = Postgres::start(true).await;
    postgres.psql(
        "create table t (n int); grant all on t to public;
         create function shout() returns trigger language plpgsql as $$ begin
           raise notice '%', repeat('x', 200); return new; end $$;
         create trigger shout before insert on t for each row execute function shout()",
    );
    let data = "1\n".repeat(ROWS / 10);
    let events = copy_in(&postgres, "copy t from stdin", &[data.as_str(); 10], true).await;
    let notices = events.iter().filter(|event| matches!(event, QueryEvent::Notice { .. }));
    assert_eq!(notices.count(), ROWS);
    assert_eq!(events[events.len() - 2..], [complete("COPY 20000"), QueryEvent::Done]);
}
