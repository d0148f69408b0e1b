//! What `COPY … TO STDOUT` gives, as bytes.

use std::borrow::Cow;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes of one piece.
///
/// # Errors
/// When it is said to be base64, and is not.
pub fn bytes(data: &str, binary: bool) -> io::Result<Cow<'_, [u8]>> {
    if !binary {
        return Ok(Cow::Borrowed(data.as_bytes()));
    }
    let decoded = STANDARD.decode(data);
    decoded.map(Cow::Owned).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
