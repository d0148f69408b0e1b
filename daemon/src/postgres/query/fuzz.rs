//! What a Postgres that is none may send, and where statements end in any text.

use futures_util::FutureExt;

use super::error::QueryError;
use super::results::{Part, event};
use super::split::statements;
use super::wire::Wire;

/// How many messages came, and as how many events.
fn read(bytes: &[u8]) -> (usize, usize) {
    let mut wire = Wire::new(Box::new(tokio::io::join(bytes, tokio::io::sink())));
    let part = Part { sql: "", shift: u32::MAX, quiet: false };
    let (mut messages, mut events) = (0, 0);
    loop {
        match wire.next().now_or_never().expect("all is there") {
            Ok(message) => {
                messages += 1;
                events +=
                    usize::from(event(message, &part, false).is_ok_and(|event| event.is_some()));
            }
            Err(QueryError::Lost(_) | QueryError::Protocol(_)) => return (messages, events),
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[test]
fn fuzz_wire() {
    crate::fuzz::check("wire", |bytes| {
        let (messages, events) = read(bytes);
        // Type and length are five bytes.
        assert!(events <= messages && messages * 5 <= bytes.len());
    });
}

#[test]
fn fuzz_split() {
    crate::fuzz::check("split", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let mut end = 0;
        for (shift, sql) in statements(&text) {
            // In order, none twice, and where it is said to be.
            let before: usize =
                text.chars().take(shift.try_into().unwrap()).map(char::len_utf8).sum();
            assert!(before >= end && text[before..].starts_with(sql));
            end = before + sql.len();
            // A statement is one statement.
            assert_eq!(statements(sql).collect::<Vec<_>>(), [(0, sql)]);
        }
    });
}
