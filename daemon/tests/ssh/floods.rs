//! What a server may do to us without being asked.

use borealisd::tunnel::{Channel, Link, LinkEnd, Read};
use bytes::Bytes;
use tokio::time::timeout;

use crate::bench::*;
use crate::rogue::*;
use crate::support::PATIENCE;

/// As russh has it by default.
const WINDOW: u32 = 2 << 20;

async fn says_it_back(channel: &mut Channel, text: &'static [u8]) {
    channel.writer.write(Bytes::from_static(text)).await.unwrap();
    let mut heard = Vec::new();
    while heard.iter().map(Bytes::len).sum::<usize>() < text.len() {
        let read = timeout(PATIENCE, channel.reader.read(&mut heard)).await.unwrap();
        assert_eq!(read, Read::Data);
    }
    assert_eq!(heard.concat(), text);
}

async fn open(link: &dyn Link, host: &str) -> Channel {
    timeout(PATIENCE, link.open(host, 5432)).await.unwrap().unwrap()
}

#[tokio::test]
async fn nothing_that_a_server_opens_is_opened() {
    let (bench, mut rogue) = (Bench::new().await, Rogue::start(WINDOW).await);
    let link = bench.connect_with(rogue.credentials(&bench)).await.unwrap();
    let mut query = open(&*link, ECHO).await;
    let server = rogue.sessions.recv().await.unwrap();
    let opened = [
        server.channel_open_session().await.is_ok(),
        server.channel_open_direct_tcpip("localhost", 22, "", 0).await.is_ok(),
        server.channel_open_direct_streamlocal("/run/user/0/bus").await.is_ok(),
        server.channel_open_forwarded_tcpip("localhost", 22, "", 0).await.is_ok(),
        server.channel_open_forwarded_streamlocal("/run/user/0/bus").await.is_ok(),
        server.channel_open_x11("localhost", 6000).await.is_ok(),
        server.channel_open_agent().await.is_ok(),
    ];
    assert_eq!(opened, [false; 7]);
    says_it_back(&mut query, b"still here").await;
    assert_eq!(link.load().channels, 1);
    drop(query);
    link.close().await;
    bench.no_task_left().await;
}

#[tokio::test]
async fn a_server_that_opens_without_end_is_hung_up_on() {
    let (bench, rogue) = (Bench::new().await, Rogue::start(WINDOW).await);
    let link = bench.connect_with(rogue.credentials(&bench)).await.unwrap();
    let mut query = open(&*link, OPENS).await;
    // A hundred thousand, if it were let.
    for _ in 0..100 {
        if query.writer.write(Bytes::from_static(b"more")).await.is_err() {
            break;
        }
    }
    let end = timeout(PATIENCE, link.ended()).await.unwrap();
    assert!(matches!(end, LinkEnd::HungUp(_)), "{end:?}");
    assert_eq!(read_to_eof(&mut query).await.1, Read::Lost);
    // A link of its own is not touched.
    let other = bench.connect_with(rogue.credentials(&bench)).await.unwrap();
    says_it_back(&mut open(&*other, ECHO).await, b"and here").await;
    drop(query);
    other.close().await;
    bench.no_task_left().await;
}

#[tokio::test]
async fn a_flood_of_requests_and_of_noise_passes() {
    let (bench, rogue) = (Bench::new().await, Rogue::start(WINDOW).await);
    let link = bench.connect_with(rogue.credentials(&bench)).await.unwrap();
    let mut query = open(&*link, ECHO).await;
    let before = resident();
    for host in [REQUESTS, NOISE] {
        let mut flooded = open(&*link, host).await;
        for _ in 0..50 {
            says_it_back(&mut flooded, b"after the flood").await;
            says_it_back(&mut query, b"still here").await;
        }
    }
    assert!(link.probe().await);
    // Both sides of it are in this process.
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes");
    drop(query);
    link.close().await;
    bench.no_task_left().await;
}

/// A byte a packet, and a word about the window after each.
#[tokio::test]
async fn a_flood_of_window_adjustments_passes() {
    let (bench, rogue) = (Bench::new().await, Rogue::start(2).await);
    let link = bench.connect_with(rogue.credentials(&bench)).await.unwrap();
    let Channel { mut reader, mut writer, .. } = open(&*link, ECHO).await;
    let sent = pattern(20_000);
    let upload = async {
        writer.write(sent.clone()).await.unwrap();
        writer
    };
    let download = async {
        let (mut all, mut batch) = (Vec::new(), Vec::new());
        while all.len() < sent.len() {
            assert_eq!(reader.read(&mut batch).await, Read::Data);
            all.extend(batch.drain(..).flatten());
        }
        all
    };
    let (_writer, received) =
        timeout(PATIENCE, async { tokio::join!(upload, download) }).await.unwrap();
    assert!(received == sent);
    assert!(link.is_alive());
}

/// Bytes of memory that this process holds; 0 where nobody says.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}
