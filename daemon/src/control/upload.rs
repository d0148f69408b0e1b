//! A query with data behind it: one JSON line, then any bytes. The answer streams meanwhile, so
//! that a caller can wait for `copy-in` before it sends the first of them.

use std::future::ready;

use axum::body::{Body, BodyDataStream};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use borealis_proto::QueryRequest;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};

use super::error::Error;
use super::extract::in_time;
use crate::session::{Piece, Upload};

/// The longest request, in bytes: one byte of SQL is at most six in JSON.
pub(super) const LONGEST: usize = QueryRequest::LONGEST_SQL * 6 + 1024;

/// Whether a request comes as a line with data behind it.
pub(super) fn has_lines(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-ndjson")
}

/// The request, and what follows.
pub(super) async fn read(body: Body) -> Result<(QueryRequest, Upload), Error> {
    let mut rest = body.into_data_stream();
    let (line, first) = in_time(first_line(&mut rest)).await?;
    let request = serde_json::from_slice(&line)
        .map_err(|error| Error::malformed(format!("the first line is no query: {error}")))?;
    let data = stream::once(ready(Ok(first))).chain(rest);
    let pieces = data
        .map(|data| data.ok().map(Piece::Data))
        .chain(stream::once(ready(Some(Piece::End))))
        // What comes after an error, the end for one, must not be believed.
        .take_while(|piece| ready(piece.is_some()))
        .filter_map(ready);
    Ok((request, pieces.boxed()))
}

async fn first_line(rest: &mut BodyDataStream) -> Result<(Bytes, Bytes), Error> {
    let mut line = BytesMut::new();
    while let Some(data) = rest.next().await {
        let mut data = data.map_err(|_cut| Error::malformed("the request was cut off"))?;
        if let Some(end) = data.iter().position(|&byte| byte == b'\n') {
            line.extend_from_slice(&data.split_to(end));
            return Ok((line.freeze(), data.split_off(1)));
        }
        line.extend_from_slice(&data);
        if line.len() > LONGEST {
            let message = "the first line is too long".to_owned();
            return Err(Error::Malformed { status: StatusCode::PAYLOAD_TOO_LARGE, message });
        }
    }
    Ok((line.freeze(), Bytes::new()))
}
