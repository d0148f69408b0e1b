//! One value as JSON. Postgres' text of a number goes out digit by digit: no float of ours comes
//! between.

use std::io::{self, Write};

use serde_json::value::RawValue;

use super::array::{Token, tokens};
use super::kind::{Kind, Scalar};

/// Writes a value that is not NULL.
pub(super) fn write(out: &mut impl Write, kind: Kind, text: &str) -> io::Result<()> {
    match kind {
        Kind::One(scalar) => write_scalar(out, scalar, text),
        Kind::Array { of, delimiter } => match tokens(text, delimiter) {
            Some(tokens) => write_array(out, of, &tokens),
            None => write_text(out, text),
        },
        Kind::Vector => {
            let elements = text.split(' ').filter(|element| !element.is_empty());
            let elements = elements.map(|element| Token::Element(element.to_owned()));
            let tokens: Vec<Token> =
                [Token::Open].into_iter().chain(elements).chain([Token::Close]).collect();
            write_array(out, Scalar::Raw, &tokens)
        }
    }
}

fn write_array(out: &mut impl Write, of: Scalar, tokens: &[Token]) -> io::Result<()> {
    let mut first = true;
    for token in tokens {
        if !first && *token != Token::Close {
            out.write_all(b",")?;
        }
        match token {
            Token::Open => out.write_all(b"[")?,
            Token::Close => out.write_all(b"]")?,
            Token::Null => out.write_all(b"null")?,
            Token::Element(text) => write_scalar(out, of, text)?,
        }
        first = *token == Token::Open;
    }
    Ok(())
}

fn write_scalar(out: &mut impl Write, scalar: Scalar, text: &str) -> io::Result<()> {
    match (scalar, text) {
        (Scalar::Bool, "t") => out.write_all(b"true"),
        (Scalar::Bool, "f") => out.write_all(b"false"),
        (Scalar::Raw, text) if is_json(text) => write_raw(out, text),
        // NaN and Infinity have no number in JSON.
        (Scalar::Bool | Scalar::Raw | Scalar::Text, text) => write_text(out, text),
    }
}

fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    Ok(serde_json::to_writer(out, text)?)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// A line break in JSON is always between two tokens: as a blank it means the same, and an object
/// stays on its line.
fn write_raw(out: &mut impl Write, text: &str) -> io::Result<()> {
    for (index, piece) in text.split(['\n', '\r']).enumerate() {
        if index > 0 {
            out.write_all(b" ")?;
        }
        out.write_all(piece.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{kind::kind, oid};
    use super::*;

    fn value(type_oid: u32, text: &str) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes, kind(type_oid), text).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn values_keep_their_type_and_every_digit() {
        let table = [
            (oid::INT8, "9223372036854775807", "9223372036854775807"),
            (oid::NUMERIC, "0.1000000000000000000000001", "0.1000000000000000000000001"),
            (oid::NUMERIC, "NaN", "\"NaN\""),
            (oid::FLOAT8, "1e+300", "1e+300"),
            (oid::FLOAT8, "-Infinity", "\"-Infinity\""),
            (oid::BOOL, "t", "true"),
            (oid::JSON, "{\"a\":\n [1.0]}", "{\"a\":  [1.0]}"),
            (oid::JSONB, "null", "null"),
            (25, "12", "\"12\""),
            (1082, "2026-11-22", "\"2026-11-22\""),
            (1231, "{{0.10,NULL},{NaN,2}}", "[[0.10,null],[\"NaN\",2]]"),
            (oid::BOOL_ARRAY, "{t,f}", "[true,false]"),
            (1009, "{1,\"a,b\",NULL}", "[\"1\",\"a,b\",null]"),
            (3807, r#"{"{\"a\": [1]}",2,NULL}"#, r#"[{"a": [1]},2,null]"#),
            (oid::BOX_ARRAY, "{(1,1),(0,0)}", "[\"(1,1),(0,0)\"]"),
            (oid::INT2_VECTOR, "1 2", "[1,2]"),
            (oid::OID_VECTOR, "", "[]"),
            (1009, "no array", "\"no array\""),
        ];
        for (type_oid, text, json) in table {
            assert_eq!(value(type_oid, text), json);
        }
    }
}
