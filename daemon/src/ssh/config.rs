//! What we ask of russh, and how long we wait for each step.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::client::Config;
use russh::keys::Algorithm;
use russh::{Limits, Preferred, SshId, cipher, compression};

/// Resolving the name and the TCP handshake.
pub(super) const TCP_TIMEOUT: Duration = Duration::from_secs(10);
/// Banner and key exchange.
pub(super) const KEX_TIMEOUT: Duration = Duration::from_secs(15);
/// Authentication; for an RSA key that includes up to a second of waiting for the server's list.
pub(super) const AUTH_TIMEOUT: Duration = Duration::from_secs(15);
/// From asking for a channel to its confirmation; the server dials Postgres meanwhile.
pub(super) const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a channel may take before the server is asked for a sign of life: with the time for
/// that, less than a local client may wait.
pub(super) const OPEN_DOUBT: Duration = Duration::from_secs(1);
/// For a sign of life, from the question or from the last byte that moved.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// For our goodbye to get out.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long what we sent may stay unacknowledged. russh's keepalive does not fire while a write
/// blocks, so a dead network under an upload is noticed by this alone.
#[cfg(target_os = "linux")]
pub(super) const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// A server that is silent for this long is asked for a sign of life …
const KEEPALIVE: Duration = Duration::from_secs(15);
/// … and declared dead when it leaves so many unanswered.
const KEEPALIVE_MISSES: usize = 3;

/// What a channel may have under way to us, in bytes, on a short way: more is slower there …
const SHORT_WINDOW: u32 = 4 << 20;
/// … and on a long one: more is not filled.
const LONG_WINDOW: u32 = 16 << 20;
/// Between these, what a server can send in one round trip at this rate, in bytes a second.
const RATE: u128 = 200 << 20;
/// The largest packet that OpenSSH sends on a channel.
const MAX_PACKET: u32 = 32 << 10;
/// What a message weighs at least, in bytes, while it waits for its reader: what is small is not
/// free. Postgres sends in pieces of this size, so packets are seldom smaller under load.
const LEAST_WEIGHT: u32 = 8 << 10;

/// Bytes until *we* would exchange keys again. A rekey of ours ends the session once more than two
/// windows arrive meanwhile, so this is beyond the 64 GiB after which OpenSSH starts one; and low
/// enough for the 32-bit packet counter that is chacha20's nonce.
const REKEY_BYTES: usize = 96 << 30;
/// Likewise in time: never, in practice.
const REKEY_TIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// AES-GCM costs half of chacha20's CPU where the processor has AES.
const CIPHERS: &[cipher::Name] =
    &[cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305];

/// How we introduce ourselves.
pub(super) const CLIENT_ID: &str = concat!("SSH-2.0-borealisd_", env!("CARGO_PKG_VERSION"));

/// Window adjustments that may wait with the data for a client that sends and does not read. They take
/// places and weigh nothing; sshd sends one for each 96 KiB, so this is an upload of 144 MiB. A place
/// that is not taken costs nothing.
const GRANTS: usize = 1536;

/// How much may be under way to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// In bytes, for each channel; as much may then wait here for the channel's reader. Once it does,
    /// the whole link waits.
    window: u32,
}

impl Room {
    /// For a server that is so far away, there and back.
    pub(super) fn over(round_trip: Duration) -> Self {
        let filled = RATE * round_trip.as_micros() / 1_000_000;
        let window = u32::try_from(filled).unwrap_or(LONG_WINDOW);
        Self { window: window.clamp(SHORT_WINDOW, LONG_WINDOW) }
    }

    /// Whether nothing more may wait beside what weighs so much.
    pub(super) fn is_taken_by(self, weight: i64) -> bool {
        weight >= i64::from(self.window)
    }

    /// What a message of so many bytes weighs.
    pub(super) fn weight(size: usize) -> i64 {
        i64::try_from(size).unwrap_or(i64::MAX).max(i64::from(LEAST_WEIGHT))
    }

    /// Messages for which russh has to have room, so that it never waits by itself: all that may
    /// wait, the one that comes when this is full, and what the server grants meanwhile.
    fn messages(self) -> usize {
        (self.window / LEAST_WEIGHT) as usize + 1 + GRANTS
    }
}

/// For a server whose host key has one of these algorithms.
pub(super) fn client(host_key_algorithms: Vec<Algorithm>, room: Room) -> Arc<Config> {
    Arc::new(Config {
        client_id: SshId::Standard(Cow::Borrowed(CLIENT_ID)),
        limits: Limits {
            rekey_write_limit: REKEY_BYTES,
            rekey_read_limit: REKEY_BYTES,
            rekey_time_limit: REKEY_TIME,
        },
        window_size: room.window,
        maximum_packet_size: MAX_PACKET,
        channel_buffer_size: room.messages(),
        preferred: Preferred {
            key: Cow::Owned(host_key_algorithms),
            host_key_certificates: Cow::Borrowed(&[]),
            cipher: Cow::Borrowed(CIPHERS),
            compression: Cow::Borrowed(&[compression::NONE]),
            ..Preferred::DEFAULT
        },
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVE_MISSES,
        ..Config::default()
    })
}

#[cfg(test)]
mod tests {
    use russh::kex;

    use super::*;

    #[test]
    fn nothing_weak_is_offered() {
        let config = client(vec![Algorithm::Ed25519], Room::over(Duration::ZERO));
        assert_eq!(*config.preferred.key, [Algorithm::Ed25519]);
        assert!(config.preferred.host_key_certificates.is_empty());
        assert!(!config.preferred.kex.contains(&kex::NONE));
        assert!(config.preferred.kex.iter().all(|name| !name.as_ref().ends_with("sha1")));
        assert!(!config.preferred.cipher.contains(&cipher::NONE));
        assert_eq!(*config.preferred.compression, [compression::NONE]);
        assert!(!config.anonymous);
    }

    #[test]
    fn the_window_follows_the_way_and_russh_has_room_for_it() {
        let way = [(0, 4 << 20), (20, 4 << 20), (40, 8 << 20), (80, 16 << 20), (60_000, 16 << 20)];
        for (milliseconds, window) in way {
            let room = Room::over(Duration::from_millis(milliseconds));
            assert_eq!(room.window, window, "{milliseconds} ms");
            let smallest = i64::try_from(room.messages() - 1 - GRANTS).unwrap() * Room::weight(1);
            assert!(room.is_taken_by(smallest) && !room.is_taken_by(smallest - Room::weight(1)));
        }
    }
}
