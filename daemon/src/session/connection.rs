//! One local client: its first packet, its channel, its bytes, its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use borealis_proto::ErrorCode;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::error::Error;
use super::live::{Live, refusal};
use crate::platform::{self, Guest};
use crate::postgres::{self, First, FirstKind, Refusal, RefusalKind};
use crate::tunnel::{Channel, Company, Local, RelayEnd, relay};

/// How long a client may wait for the tunnel. pgAdmin gives up after 10 s; we answer before.
const HOLD: Duration = Duration::from_secs(8);
/// How long a client for whom there is no room may keep what is needed to tell it so.
const NO_ROOM: Duration = Duration::from_secs(1);

/// Serves one accepted client to its end.
pub(super) async fn serve(live: Arc<Live>, stream: TcpStream, _place: OwnedSemaphorePermit) {
    live.gauge.total.fetch_add(1, Ordering::Relaxed);
    let serving = live.serving.clone();
    tokio::select! {
        () = join(&live, stream) => {}
        () = serving.cancelled() => debug!(session = %live.id, "closing: client dropped"),
    }
}

async fn join(live: &Live, mut stream: TcpStream) {
    // Queries are small: waiting to fill a packet would cost each of them a round trip.
    let _ = stream.set_nodelay(true);
    if let Err(guest) = check_guest(&stream) {
        turn_guest_away(live, stream, &guest).await;
        return;
    }
    let first = match postgres::read_first(&mut stream).await {
        Ok(first) => first,
        Err(error) => {
            info!(session = %live.id, %error, "client turned away");
            return;
        }
    };
    match wait_for_channel(live).await {
        Ok(channel) => {
            live.heard(true);
            let end = carry(live, &mut stream, first, channel).await;
            debug!(session = %live.id, ?end, "client left");
        }
        Err(error) => turn_away(live, stream, first, &error).await,
    }
}

async fn wait_for_channel(live: &Live) -> Result<Channel, Error> {
    let _waiting = Counted::new(&live.gauge.waiting);
    live.channel(Company::Alone, HOLD).await
}

async fn turn_away(live: &Live, stream: TcpStream, first: First, error: &Error) {
    let reason = refusal(live, error);
    if reason.code == ErrorCode::DatabaseUnreachable {
        live.heard(false);
    }
    info!(session = %live.id, reason = %reason.message, "client turned away");
    let message = format!("borealisd: {}: {}", live.target(), reason.message);
    let hint = reason.hint.unwrap_or_else(|| live.address("borealisctl status TARGET"));
    let refusal = Refusal { kind: RefusalKind::NotNow, message: &message, hint: &hint };
    say_no(live, stream, first, refusal).await;
}

/// Before it has said anything, so that one who never does takes nobody's place for long.
async fn turn_guest_away(live: &Live, stream: TcpStream, guest: &Guest) {
    warn!(session = %live.id, %guest, "a guest was turned away");
    let message = format!("borealisd: {}: {guest}", live.target());
    let hint = "open a session of your own: borealisctl up";
    let refusal = Refusal { kind: RefusalKind::NotNow, message: &message, hint };
    let _ = timeout(NO_ROOM, hear_and_refuse(live, stream, refusal)).await;
}

/// For a client that has come when there were no descriptors left.
pub(super) async fn no_room(live: &Live, stream: TcpStream) {
    let message = format!("borealisd: {}: no room for another connection", live.target());
    let hint = "end some, or let the daemon open more files: borealisctl daemon status";
    let refusal = Refusal { kind: RefusalKind::TooMany, message: &message, hint };
    tokio::select! {
        // One that does not listen gives its place to the next.
        _ = timeout(NO_ROOM, hear_and_refuse(live, stream, refusal)) => {}
        () = live.serving.cancelled() => {}
    }
}

async fn hear_and_refuse(live: &Live, mut stream: TcpStream, refusal: Refusal<'_>) {
    if let Ok(first) = postgres::read_first(&mut stream).await {
        say_no(live, stream, first, refusal).await;
    }
}

/// Whose a connection is that has just gone interests nobody.
fn check_guest(stream: &TcpStream) -> Result<(), Guest> {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(endpoint), Ok(peer)) => platform::same_user_or_root(endpoint, peer),
        _ => Ok(()),
    }
}

async fn say_no(live: &Live, mut stream: TcpStream, first: First, refusal: Refusal<'_>) {
    if let Err(error) = postgres::refuse(&mut stream, first, refusal).await {
        debug!(session = %live.id, %error, "the client did not wait for the answer");
    }
}

/// Relays between a client and its channel, and counts it while it is open.
pub(super) async fn carry<L: Local>(
    live: &Live,
    local: &mut L,
    first: First,
    channel: Channel,
) -> RelayEnd {
    let _open = Counted::new(&live.gauge.open);
    // Who cancels another's query has no backend that could outlive it.
    let _backend =
        (first.kind() != FirstKind::Cancel).then(|| live.backends.enter(channel.opening));
    let end = relay(local, first.into_bytes(), channel, &live.traffic, &live.serving).await;
    // What a client has not taken is gone with its channel.
    platform::memory_was_freed();
    end
}

/// Counts for as long as it lives.
struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn new(gauge: &'a AtomicU64) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
