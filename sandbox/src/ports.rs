//! Ports that stay ours while nobody listens on them. The kernel takes outgoing connections' ports
//! from its ephemeral range; a server that restarts, or a relay that refuses for a while, would
//! lose its port to one of those. So ports are chosen below that range, in blocks, and whoever
//! listens on the first port of a block has the others: many sandboxes start at once in tests.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Linux' ephemeral range starts at 32768, the one of macOS and Windows at 49152.
const FIRST: u16 = 20_000;
const BLOCKS: u16 = 1_200;
/// Ports in one.
const SIZE: u16 = 4 + ENDPOINTS;
/// As many as the sessions that a soak keeps open.
const ENDPOINTS: u16 = 6;
const ATTEMPTS: usize = 100;

#[derive(Debug)]
pub(crate) struct Block {
    /// Keeps the block; bound until the sandbox ends, so it serves what is never down: its own API.
    pub(crate) keeper: TcpListener,
    pub(crate) relay: u16,
    pub(crate) sshd: u16,
    pub(crate) postgres: u16,
    /// For endpoints that must be free again when their daemon comes back.
    pub(crate) endpoints: Vec<u16>,
}

impl Block {
    pub(crate) fn reserve() -> io::Result<Self> {
        (0..ATTEMPTS)
            .find_map(|_| Self::reserve_at(FIRST + SIZE * rand::random_range(0..BLOCKS)).ok())
            .ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "no free ports in a row"))
    }

    fn reserve_at(first: u16) -> io::Result<Self> {
        let keeper = bind(first)?;
        let (relay, sshd, postgres) = (first + 1, first + 2, first + 3);
        let endpoints: Vec<u16> = (first + 4..first + SIZE).collect();
        for port in [relay, sshd, postgres].into_iter().chain(endpoints.iter().copied()) {
            bind(port)?;
        }
        Ok(Self { keeper, relay, sshd, postgres, endpoints })
    }
}

fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_one_sandboxs_as_long_as_it_is_kept() {
        let block = Block::reserve().unwrap();
        let first = block.keeper.local_addr().unwrap().port();
        assert!(Block::reserve_at(first).is_err(), "reserved twice");
        drop(block);
        assert!(Block::reserve_at(first).is_ok(), "not given back");
    }
}
