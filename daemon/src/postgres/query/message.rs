//! ErrorResponse and NoticeResponse as the control API shows them.

use std::io;

use borealis_proto::{ServerMessage, Severity};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;

/// Reads the fields; those that we do not show are left out.
pub(super) fn read(mut fields: ErrorFields<'_>) -> io::Result<ServerMessage> {
    let mut message = ServerMessage {
        severity: Severity::Unknown,
        code: String::new(),
        message: String::new(),
        detail: None,
        hint: None,
        position: None,
        context: None,
    };
    while let Some(field) = fields.next()? {
        // Before the login, Postgres may speak in another encoding.
        let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            // `S` is the same word in the server's language.
            b'V' => message.severity = severity(&text),
            b'C' => message.code = text,
            b'M' => message.message = text,
            b'D' => message.detail = Some(text),
            b'H' => message.hint = Some(text),
            b'W' => message.context = Some(text),
            b'P' => message.position = text.parse().ok(),
            _ => (),
        }
    }
    Ok(message)
}

fn severity(word: &str) -> Severity {
    match word {
        "DEBUG" => Severity::Debug,
        "LOG" => Severity::Log,
        "INFO" => Severity::Info,
        "NOTICE" => Severity::Notice,
        "WARNING" => Severity::Warning,
        "ERROR" => Severity::Error,
        "FATAL" => Severity::Fatal,
        "PANIC" => Severity::Panic,
        _ => Severity::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use postgres_protocol::message::backend::Message;

    use super::*;

    fn parsed(fields: &[u8]) -> io::Result<ServerMessage> {
        let mut packet = BytesMut::new();
        packet.put_u8(b'E');
        packet.put_u32(u32::try_from(fields.len()).unwrap() + 4);
        packet.put(fields);
        let Some(Message::ErrorResponse(body)) = Message::parse(&mut packet)? else { panic!() };
        read(body.fields())
    }

    #[test]
    fn every_field_that_is_shown() {
        let message = parsed(
            b"SFEHLER\0VERROR\0C42703\0Mcolumn \"x\" does not exist\0Dd\0Hh\0P8\0WCOPY t, line 2\0Fparse.c\0L1\0\0",
        );
        let expected = ServerMessage {
            severity: Severity::Error,
            code: "42703".to_owned(),
            message: "column \"x\" does not exist".to_owned(),
            detail: Some("d".to_owned()),
            hint: Some("h".to_owned()),
            position: Some(8),
            context: Some("COPY t, line 2".to_owned()),
        };
        assert_eq!(message.unwrap(), expected);
    }

    #[test]
    fn other_encodings_and_nonsense_do_no_harm() {
        assert_eq!(parsed(b"M\xfcber\0\0").unwrap().message, "\u{fffd}ber");
        assert_eq!(parsed(b"VSHOUT\0P-1\0\0").unwrap().severity, Severity::Unknown);
        assert!(parsed(b"Mno end").is_err());
    }
}
