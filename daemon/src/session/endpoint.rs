//! A session's local address: chosen once, then kept, and bound for as long as it is wanted.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use borealis_proto::{ErrorCode, Reason};
use tokio::net::{TcpListener, TcpStream};
use tracing::{info, warn};

use super::connection;
use super::live::Live;

/// Ports that we choose from: below the range that systems give to outgoing connections, so that
/// a session finds its port free again after a reboot.
const PORTS: std::ops::Range<u16> = 15_433..20_000;
/// How often a port that is taken is tried again.
const REBIND: Duration = Duration::from_secs(5);
/// Rest of an acceptor that ran out of descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Binds exactly this port.
pub(super) async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Binds a port that is the same each time for the same `name`, or the next free one after it.
pub(super) async fn bind_preferred(name: &str) -> io::Result<TcpListener> {
    let span = u64::from(PORTS.end - PORTS.start);
    let start = fnv1a(name) % span;
    for offset in 0..span {
        let step = u16::try_from((start + offset) % span).unwrap_or_default();
        match bind(PORTS.start + step).await {
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

/// Accepts until the session closes. Without a listener, tries for its port until it has it.
pub(super) async fn serve(live: Arc<Live>, listener: Option<TcpListener>) {
    let stop = live.accepting.clone();
    tokio::select! {
        () = stop.cancelled() => {}
        () = accept_for_ever(&live, listener) => {}
    }
    info!(session = %live.id, "endpoint closed");
}

async fn accept_for_ever(live: &Arc<Live>, listener: Option<TcpListener>) {
    let listener = match listener {
        Some(listener) => listener,
        None => rebind(live).await,
    };
    live.set_unbound(None);
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => admit(live, stream),
            Err(error) => {
                // Out of descriptors, most likely: those that are served will give some back.
                warn!(session = %live.id, %error, "cannot accept");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

fn admit(live: &Arc<Live>, stream: TcpStream) {
    live.connections.spawn(connection::serve(live.clone(), stream));
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
        let first = bind_preferred("sushi/DATABASE read-only").await.unwrap();
        let port = first.local_addr().unwrap().port();
        assert!(PORTS.contains(&port), "{port}");
        let second = bind_preferred("sushi/DATABASE read-only").await.unwrap();
        assert_ne!(second.local_addr().unwrap().port(), port);
        drop(first);
        let again = bind_preferred("sushi/DATABASE read-only").await.unwrap();
        assert_eq!(again.local_addr().unwrap().port(), port);
    }
}
