//! Streams in a link: all of it, in order, and no longer than somebody holds them.

use std::time::Duration;

use borealisd::tunnel::{Channel, OpenError, Read};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::bench::*;
use crate::rogue::{ECHO, Rogue, SWALLOW};
use crate::support::{PATIENCE, free_port};

#[tokio::test]
async fn sixty_four_megabytes_come_back_byte_for_byte() {
    let bench = Bench::new().await;
    let port = listener(&TaskTracker::new(), echo).await;
    let link = bench.connect().await;
    timeout(PATIENCE, there_and_back(&*link, port, pattern(64 << 20))).await.unwrap();
}

#[tokio::test]
async fn the_other_direction_stays_open_after_an_end_of_file() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, |mut stream: TcpStream| async move {
        let mut asked = String::new();
        stream.read_to_string(&mut asked).await.unwrap();
        stream.write_all(format!("you said {asked}").as_bytes()).await.unwrap();
    })
    .await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();

    channel.writer.write(Bytes::from_static(b"hello")).await.unwrap();
    channel.writer.finish().await.unwrap();

    assert_eq!(read_to_eof(&mut channel).await, (b"you said hello".to_vec(), Read::Eof));
    assert_eq!(next_read(&mut channel).await, Read::Lost);
}

#[tokio::test]
async fn a_writer_without_window_ends_with_its_channel() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let (reset, wait) = tokio::sync::watch::channel(false);
    let port = listener(&others, move |stream: TcpStream| {
        let mut wait = wait.clone();
        async move {
            wait.wait_for(|now| *now).await.unwrap();
            drop(stream);
        }
    })
    .await;
    let link = bench.connect().await;
    let Channel { mut writer, reader, .. } = link.open("127.0.0.1", port).await.unwrap();
    let mut stuck = writer.write(pattern(64 << 20));
    assert!(timeout(Duration::from_millis(500), &mut stuck).await.is_err(), "no window ended");

    reset.send(true).unwrap();

    assert!(timeout(PATIENCE, stuck).await.unwrap().is_err());
    assert!(link.is_alive());
    drop((writer, reader));
    timeout(PROMPT, link.idle()).await.unwrap();
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let bench = Bench::new().await;
    let link = bench.connect().await;
    let Err(OpenError::Refused(why)) = link.open("127.0.0.1", free_port()).await else {
        panic!("opened")
    };
    assert!(!why.is_empty());
    assert!(link.is_alive());
    assert_eq!(link.load().channels, 0);
}

#[tokio::test]
async fn dropping_both_halves_closes_the_channel() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let (port, mut hung_up) = tells_when_hung_up(&others).await;
    let link = bench.connect().await;
    let Channel { reader, writer, .. } = link.open("127.0.0.1", port).await.unwrap();
    assert_eq!(link.load().channels, 1);
    drop(reader);
    assert_eq!(link.load().channels, 1);
    // As a runtime does that is going down: from a thread that is not its own.
    std::thread::spawn(move || drop(writer)).join().unwrap();

    timeout(PROMPT, hung_up.recv()).await.unwrap().unwrap();
    assert_eq!(link.load().channels, 0);
    timeout(PROMPT, link.idle()).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_leaves_no_channel() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let (port, mut hung_up) = tells_when_hung_up(&others).await;
    let link = bench.connect().await;
    let mut open = link.open("127.0.0.1", port);
    assert!(futures_util::poll!(&mut open).is_pending());
    drop(open);

    timeout(PROMPT, hung_up.recv()).await.unwrap().unwrap();
    assert_eq!(link.load().channels, 0);
}

#[tokio::test]
async fn a_server_that_forwards_nothing_refuses_and_the_link_lives() {
    for setting in ["AllowTcpForwarding no", "PermitOpen 127.0.0.1:1"] {
        let bench = Bench::with(&[setting]).await;
        let port = listener(&TaskTracker::new(), echo).await;
        let link = bench.connect().await;
        let opened = timeout(PROMPT, link.open("127.0.0.1", port)).await.unwrap();
        assert!(matches!(opened, Err(OpenError::Refused(_))), "{setting}");
        assert!(link.is_alive() && link.probe().await, "{setting}");
        assert_eq!(link.load().channels, 0);
    }
}

/// The one gives up early, as a local client's time is shorter than the link's; the other waits for
/// as long as a link does.
#[tokio::test]
async fn an_open_that_is_never_answered_holds_up_nobody_and_leaves_nothing() {
    let (bench, mut rogue) = (Bench::new().await, Rogue::start(2 << 20).await);
    let link = bench.connect_with(rogue.credentials(&bench)).await.unwrap();
    let mut query = link.open(ECHO, 5432).await.unwrap();
    let hasty = timeout(Duration::from_millis(300), link.open(SWALLOW, 5432));
    let (hasty, patient) = tokio::join!(hasty, timeout(PATIENCE, link.open(SWALLOW, 5432)));
    assert!(hasty.is_err());
    assert!(matches!(patient.unwrap(), Err(OpenError::TimedOut)));
    query.writer.write(Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(next_read(&mut query).await, Read::Data);

    // Confirmed late: nobody wants them any more. The server could close them now, and does not.
    for _ in 0..2 {
        rogue.asked.recv().await.unwrap().accept().await;
        timeout(PROMPT, rogue.finished.recv()).await.unwrap().unwrap();
    }
    assert!(rogue.closed.is_empty());
    for _ in 0..2 {
        timeout(Duration::from_secs(5) + PROMPT, rogue.closed.recv()).await.unwrap().unwrap();
    }
    assert!(rogue.finished.is_empty(), "it is not told twice");
    assert_eq!(link.load().channels, 1);
    assert!(link.is_alive());
    drop(query);
    link.close().await;
    bench.no_task_left().await;
}
