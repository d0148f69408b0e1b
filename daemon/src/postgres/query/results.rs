//! Postgres' answers, as events.

use std::io;
use std::ops::Range;

use borealis_proto::{Column, QueryEvent};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{
    DataRowBody, Message, ParameterStatusBody, RowDescriptionBody,
};
use postgres_protocol::message::frontend;
use tokio::sync::mpsc;

use super::error::{QueryError, server_detail};
use super::message;
use super::wire::{Wire, malformed};

/// Postgres puts "COPY from stdin failed: " before it.
const NO_COPY_IN: &str = "not supported here; use \\copy in borealisctl psql";

/// How the stream of events ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With `done`, or with an error of Postgres.
    Answered,
    /// With nobody to receive them.
    CallerGone,
}

/// Passes on what comes until everything was answered, at the receiver's pace.
pub(super) async fn stream(
    wire: &mut Wire<'_>,
    events: &mpsc::Sender<QueryEvent>,
) -> Result<Outcome, QueryError> {
    loop {
        // A query may run for hours before its first row.
        let message = tokio::select! {
            message = wire.next() => message?,
            () = events.closed() => return Ok(Outcome::CallerGone),
        };
        if let Message::CopyInResponse(_) = message {
            wire.send(|out| frontend::copy_fail(NO_COPY_IN, out)).await?;
            continue;
        }
        let Some(event) = event(message)? else { continue };
        let last = matches!(event, QueryEvent::Done | QueryEvent::Error { .. });
        if events.send(event).await.is_err() {
            return Ok(Outcome::CallerGone);
        }
        if last {
            return Ok(Outcome::Answered);
        }
    }
}

/// What the caller should hear of it.
#[expect(clippy::wildcard_enum_match_arm, reason = "anything else is out of place here")]
fn event(message: Message) -> Result<Option<QueryEvent>, QueryError> {
    let event = match message {
        Message::DataRow(body) => QueryEvent::Row { values: row(&body)? },
        Message::RowDescription(body) => QueryEvent::Columns { columns: columns(&body)? },
        Message::CommandComplete(body) => {
            QueryEvent::Complete { tag: body.tag().map_err(malformed)?.to_owned() }
        }
        Message::NoticeResponse(body) => {
            QueryEvent::Notice { notice: message::read(body.fields()).map_err(malformed)? }
        }
        Message::ErrorResponse(body) => {
            let said = message::read(body.fields()).map_err(malformed)?;
            QueryEvent::Error { detail: server_detail(&said), server: Some(said) }
        }
        Message::ReadyForQuery(_) => QueryEvent::Done,
        Message::CopyOutResponse(_) => return Err(QueryError::CopyOut),
        Message::ParameterStatus(body) => return check_encoding(&body).map(|()| None),
        // An empty statement, a notification: nothing that was asked for.
        Message::EmptyQueryResponse | Message::NotificationResponse(_) => return Ok(None),
        _ => return Err(malformed(io::Error::other("an unexpected message in a result"))),
    };
    Ok(Some(event))
}

/// Postgres tells of a changed setting once all is answered. Late, but then the stream ends with an
/// error, and whoever took rows from it knows not to trust them.
fn check_encoding(setting: &ParameterStatusBody) -> Result<(), QueryError> {
    let value = setting.value().map_err(malformed)?;
    if setting.name().map_err(malformed)? == "client_encoding" && value != "UTF8" {
        return Err(QueryError::ClientEncoding(value.to_owned()));
    }
    Ok(())
}

fn columns(body: &RowDescriptionBody) -> Result<Vec<Column>, QueryError> {
    let fields = body.fields();
    let column = |name: &str, type_oid| Column { name: name.to_owned(), type_oid };
    fields.map(|field| Ok(column(field.name(), field.type_oid()))).collect().map_err(malformed)
}

fn row(body: &DataRowBody) -> Result<Vec<Option<String>>, QueryError> {
    let ranges: Vec<Option<Range<usize>>> = body.ranges().collect().map_err(malformed)?;
    let value = |(position, range): (usize, Option<Range<usize>>)| {
        let Some(range) = range else { return Ok(None) };
        let bytes = body.buffer().get(range).unwrap_or_default();
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_not_text) => Err(QueryError::NotUtf8 { column: position + 1 }),
        }
    };
    ranges.into_iter().enumerate().map(value).collect()
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};

    use super::*;

    fn data_row(values: &[Option<&[u8]>]) -> Message {
        let mut body = BytesMut::new();
        body.put_u16(u16::try_from(values.len()).unwrap());
        for value in values {
            body.put_i32(value.map_or(-1, |value| i32::try_from(value.len()).unwrap()));
            body.put(value.unwrap_or_default());
        }
        let mut packet = BytesMut::new();
        packet.put_u8(b'D');
        packet.put_u32(u32::try_from(body.len()).unwrap() + 4);
        packet.put(body);
        Message::parse(&mut packet).unwrap().unwrap()
    }

    #[test]
    fn null_is_not_the_empty_text() {
        let row = event(data_row(&[Some(b""), None, Some("\u{fc}".as_bytes())])).unwrap();
        let values = vec![Some(String::new()), None, Some("ü".to_owned())];
        assert_eq!(row, Some(QueryEvent::Row { values }));
    }

    #[test]
    fn what_is_no_text_is_not_made_one() {
        let error = event(data_row(&[Some(b"ok"), Some(b"\xfc")])).unwrap_err();
        assert!(matches!(error, QueryError::NotUtf8 { column: 2 }), "{error:?}");
    }
}
