//! Postgres' answers, as events.

use std::io;
use std::ops::Range;

use borealis_proto::{Column, QueryEvent, ServerMessage, Severity};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{
    DataRowBody, ErrorFields, Message, ParameterStatusBody, RowDescriptionBody,
};
use tokio::sync::mpsc;

use super::copy::{CopySource, copied};
use super::error::{QueryError, server_detail};
use super::message;
use super::wire::{Wire, malformed};

/// Of a COPY; 0 is text.
const BINARY: u8 = 1;

/// One text to ask, and how to tell of it.
pub(super) struct Part<'a> {
    pub(super) sql: &'a str,
    /// How many characters of the caller's text stand before it.
    pub(super) shift: u32,
    /// Ours, not the caller's: that it is done interests nobody.
    pub(super) quiet: bool,
}

/// How an answer ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With all there is to say.
    Answered,
    /// With an error of Postgres, which was passed on.
    Refused,
    /// With an error of Postgres, and of the connection.
    Fatal,
    /// With nobody to receive it.
    CallerGone,
}

/// What happened next on the connection.
enum Step {
    Message(Message),
    Moved,
    CallerGone,
}

/// Passes on what comes until the part was answered, at the receiver's pace.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these change how to go on")]
pub(super) async fn answer(
    wire: &mut Wire<'_>,
    part: &Part<'_>,
    copy: &mut CopySource,
    events: &mpsc::Sender<QueryEvent>,
) -> Result<Outcome, QueryError> {
    wire.query(part.sql)?;
    let mut outcome = Outcome::Answered;
    let mut binary = false;
    loop {
        let message = match step(wire, copy, events).await? {
            Step::Message(message) => message,
            Step::Moved => continue,
            Step::CallerGone => return Ok(Outcome::CallerGone),
        };
        match &message {
            Message::ReadyForQuery(_) => return Ok(outcome),
            Message::CopyInResponse(_) if !copy.begin(wire)? => continue,
            Message::CopyOutResponse(body) => binary = body.format() == BINARY,
            Message::ErrorResponse(_) => copy.stop(),
            _ => {}
        }
        let Some(event) = event(message, part, binary)? else { continue };
        let ending = ending(&event);
        if events.send(event).await.is_err() {
            return Ok(Outcome::CallerGone);
        }
        match ending {
            None => {}
            Some(Outcome::Fatal) => return Ok(Outcome::Fatal),
            Some(ending) => outcome = ending,
        }
    }
}

async fn step(
    wire: &mut Wire<'_>,
    copy: &mut CopySource,
    events: &mpsc::Sender<QueryEvent>,
) -> Result<Step, QueryError> {
    if let Some(message) = wire.take()? {
        return Ok(Step::Message(message));
    }
    // One piece of a COPY at a time: more would pile up here.
    let may_feed = !wire.has_unsent();
    tokio::select! {
        moved = wire.exchange() => moved?,
        piece = copy.next(), if may_feed => copy.feed(wire, piece)?,
        // A query may run for hours before its first row.
        () = events.closed() => return Ok(Step::CallerGone),
    }
    Ok(Step::Moved)
}

fn ending(event: &QueryEvent) -> Option<Outcome> {
    let QueryEvent::Error { server: Some(said), .. } = event else { return None };
    match said.severity {
        Severity::Fatal | Severity::Panic => Some(Outcome::Fatal),
        Severity::Debug
        | Severity::Log
        | Severity::Info
        | Severity::Notice
        | Severity::Warning
        | Severity::Error
        | Severity::Unknown => Some(Outcome::Refused),
    }
}

/// What the caller should hear of it.
#[expect(clippy::wildcard_enum_match_arm, reason = "anything else is out of place here")]
pub(super) fn event(
    message: Message,
    part: &Part<'_>,
    binary: bool,
) -> Result<Option<QueryEvent>, QueryError> {
    let event = match message {
        Message::DataRow(body) => QueryEvent::Row { values: row(&body)? },
        Message::RowDescription(body) => QueryEvent::Columns { columns: columns(&body)? },
        Message::CommandComplete(_) if part.quiet => return Ok(None),
        Message::CommandComplete(body) => {
            QueryEvent::Complete { tag: body.tag().map_err(malformed)?.to_owned() }
        }
        Message::NoticeResponse(body) => QueryEvent::Notice { notice: part.said(body.fields())? },
        Message::ErrorResponse(body) => {
            let said = part.said(body.fields())?;
            QueryEvent::Error { detail: server_detail(&said), server: Some(said) }
        }
        Message::CopyInResponse(_) => QueryEvent::CopyIn,
        Message::CopyOutResponse(_) => QueryEvent::CopyOut { binary },
        Message::CopyData(body) => {
            QueryEvent::CopyData { data: copied(body.into_bytes(), binary)? }
        }
        Message::ParameterStatus(body) => return check_encoding(&body).map(|()| None),
        // An empty statement, a notification: nothing that was asked for.
        Message::EmptyQueryResponse | Message::NotificationResponse(_) | Message::CopyDone => {
            return Ok(None);
        }
        _ => return Err(malformed(io::Error::other("an unexpected message in a result"))),
    };
    Ok(Some(event))
}

impl Part<'_> {
    /// Postgres counts from the beginning of what it got, the caller from that of his text.
    fn said(&self, fields: ErrorFields<'_>) -> Result<ServerMessage, QueryError> {
        let said = message::read(fields).map_err(malformed)?;
        let position = said.position.filter(|_| !self.quiet);
        let position = position.map(|position| position.saturating_add(self.shift));
        Ok(ServerMessage { position, ..said })
    }
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

    const WHOLE: Part<'_> = Part { sql: "", shift: 0, quiet: false };

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
        let row =
            event(data_row(&[Some(b""), None, Some("\u{fc}".as_bytes())]), &WHOLE, false).unwrap();
        let values = vec![Some(String::new()), None, Some("ü".to_owned())];
        assert_eq!(row, Some(QueryEvent::Row { values }));
    }

    #[test]
    fn what_is_no_text_is_not_made_one() {
        let error = event(data_row(&[Some(b"ok"), Some(b"\xfc")]), &WHOLE, false).unwrap_err();
        assert!(matches!(error, QueryError::NotUtf8 { column: 2 }), "{error:?}");
    }
}
