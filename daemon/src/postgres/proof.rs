//! The cheapest proof that Postgres is at the other end: asked for TLS, it says yes or no in one
//! byte. It costs no login, and a backend for a few milliseconds.

/// The whole request.
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Whether that is Postgres' answer: `S` or `N`.
#[must_use]
pub fn is_proof(answer: &[u8]) -> bool {
    matches!(answer, b"S" | b"N")
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use postgres_protocol::message::frontend;

    use super::*;

    #[test]
    fn the_request_is_the_protocols() {
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        assert_eq!(request[..], SSL_REQUEST);
    }

    #[test]
    fn one_byte_is_the_answer() {
        assert!(is_proof(b"S") && is_proof(b"N"));
        for other in [&b""[..], b"E", b"SN", b"HTTP/1.1 400", b"\0"] {
            assert!(!is_proof(other));
        }
    }
}
