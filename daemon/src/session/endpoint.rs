//! A session's local address: chosen once, then kept, and bound for as long as it is wanted.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use borealis_proto::{ErrorCode, Reason};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tracing::{info, warn};

use super::connection;
use super::live::Live;
use super::room::Place;
use crate::platform::{SpareDescriptor, is_out_of_descriptors};
use crate::tasks::Kept;

/// Ports that we choose from: below the range that systems give to outgoing connections, so that
/// a session finds its port free again after a reboot.
const PORTS: std::ops::Range<u16> = 15_433..20_000;
/// How often a port that is taken is tried again.
const REBIND: Duration = Duration::from_secs(5);
/// Rest of an acceptor that failed.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Binds exactly this port.
pub(super) async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Binds a port that is the same each time for the same `name`, or the next one after it that is
/// free and not kept for somebody else.
pub(super) async fn bind_preferred(
    name: &str,
    kept: impl Fn(u16) -> bool,
) -> io::Result<TcpListener> {
    let span = u64::from(PORTS.end - PORTS.start);
    let start = fnv1a(name) % span;
    for offset in 0..span {
        let step = u16::try_from((start + offset) % span).unwrap_or_default();
        let port = PORTS.start + step;
        if kept(port) {
            continue;
        }
        match bind(port).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            result => return result,
        }
    }
    bind(0).await
}

/// FNV-1a, 64 bits: stable over releases, which the standard library's hasher is not.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Accepts until the session closes. Without a listener, tries for its port until it has it. The
/// listener is kept over a panic of what accepts.
pub(super) struct Endpoint {
    live: Arc<Live>,
    listener: Option<TcpListener>,
    spare: SpareDescriptor,
}

impl Endpoint {
    pub(super) fn new(live: Arc<Live>, listener: Option<TcpListener>) -> Self {
        Self { live, listener, spare: SpareDescriptor::default() }
    }

    async fn accept_for_ever(&mut self) {
        let Self { live, listener, spare } = self;
        let listener = match listener {
            Some(listener) => listener,
            None => listener.insert(rebind(live).await),
        };
        live.set_unbound(None);
        let mut failing = false;
        loop {
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    failing = false;
                    admit(live, stream);
                }
                Err(error) => {
                    // Said once, and not ten times a second.
                    if !std::mem::replace(&mut failing, true) {
                        warn!(session = %live.id, %error, "cannot accept");
                    }
                    if is_out_of_descriptors(&error) {
                        live.room.note_full();
                        turn_one_away(live, listener, spare).await;
                    }
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }
}

impl Kept for Endpoint {
    fn run(&mut self) -> BoxFuture<'_, ()> {
        let run = async {
            let stop = self.live.accepting.clone();
            stop.run_until_cancelled(self.accept_for_ever()).await;
            info!(session = %self.live.id, "endpoint closed");
        };
        run.boxed()
    }
}

fn admit(live: &Arc<Live>, stream: TcpStream) {
    match live.room.place() {
        Place::Taken(place) => {
            live.connections.spawn(connection::serve(live.clone(), stream, place));
        }
        Place::None(permit) => {
            let live = live.clone();
            let connections = live.connections.clone();
            connections.spawn(async move {
                connection::no_room(&live, stream).await;
                drop(permit);
            });
        }
        // Closed: that client hears at once as well.
        Place::Nowhere => {}
    }
}

/// With the descriptor that was kept for this moment, so that nobody waits for ever.
async fn turn_one_away(live: &Live, listener: &TcpListener, spare: &mut SpareDescriptor) {
    spare.give_up();
    if let Some(Ok((stream, _peer))) = listener.accept().now_or_never() {
        connection::no_room(live, stream).await;
    }
    spare.take();
}

async fn rebind(live: &Live) -> TcpListener {
    loop {
        match bind(live.port).await {
            Ok(listener) => return listener,
            Err(error) => {
                warn!(session = %live.id, port = live.port, %error, "the port is not free");
                live.set_unbound(Some(Reason {
                    code: ErrorCode::PortTaken,
                    message: format!("port {} on 127.0.0.1 is taken: {error}", live.port),
                    hint: Some(format!(
                        "end what uses it, it is tried every 5 s; or: borealisctl down {id}, then \
                         up with --port",
                        id = live.id
                    )),
                }));
            }
        }
        tokio::time::sleep(REBIND).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_name_gets_the_same_port_and_a_taken_one_is_passed_over() {
        let first = bind_preferred("sushi/DATABASE read-only", |_| false).await.unwrap();
        let port = first.local_addr().unwrap().port();
        assert!(PORTS.contains(&port), "{port}");
        let second = bind_preferred("sushi/DATABASE read-only", |_| false).await.unwrap();
        assert_ne!(second.local_addr().unwrap().port(), port);
        drop(first);
        let again = bind_preferred("sushi/DATABASE read-only", |_| false).await.unwrap();
        assert_eq!(again.local_addr().unwrap().port(), port);
        drop(again);
        let kept = bind_preferred("sushi/DATABASE read-only", |one| one == port).await.unwrap();
        assert_ne!(kept.local_addr().unwrap().port(), port, "somebody waits for it");
    }
}
