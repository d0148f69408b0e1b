//! How a link ends, and how one finds out that it has.

use std::time::Duration;

use borealisd::tunnel::{LinkEnd, OpenError, Read};
use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::bench::*;
use crate::support::PATIENCE;

#[tokio::test]
async fn a_killed_session_ends_the_link_at_once() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, echo).await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();
    assert!(link.is_alive());

    bench.sshd.kill_sessions();

    let end = timeout(PROMPT, link.ended()).await.unwrap();
    assert!(matches!(end, LinkEnd::Broken(_)), "{end:?}");
    assert_eq!(timeout(PROMPT, link.ended()).await.unwrap(), end);
    assert!(!link.is_alive());
    assert!(!link.probe().await);
    assert_eq!(next_read(&mut channel).await, Read::Lost);
    assert!(channel.writer.write(Bytes::from_static(b"x")).await.is_err());
    assert!(matches!(link.open("127.0.0.1", port).await, Err(OpenError::LinkLost)));
    drop(channel);
    bench.no_task_left().await;
}

#[tokio::test]
async fn a_silent_server_is_found_out() {
    let bench = Bench::new().await;
    let link = bench.connect().await;
    assert!(link.probe().await);
    bench.sshd.freeze_sessions();

    assert!(!timeout(PATIENCE, link.probe()).await.unwrap());

    assert_eq!(timeout(PROMPT, link.ended()).await.unwrap(), LinkEnd::Silent);
}

/// Nobody asks: the question that gets no answer is the client's own.
#[tokio::test]
async fn a_server_that_falls_silent_in_use_is_found_out_long_before_its_keepalive() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, echo).await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();
    bench.sshd.freeze_sessions();
    let frozen = Instant::now();
    channel.writer.write(Bytes::from_static(b"anybody?")).await.unwrap();
    assert_eq!(timeout(PATIENCE, link.ended()).await.unwrap(), LinkEnd::Silent);
    assert!(frozen.elapsed() < Duration::from_secs(20), "{:?}", frozen.elapsed());
}

/// A query may run for long: a server that gives signs of life is waited for.
#[tokio::test]
async fn a_late_answer_is_no_silence() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, |mut stream: TcpStream| async move {
        // The subject of this test.
        tokio::time::sleep(Duration::from_secs(17)).await;
        let _ = stream.write_all(b"late").await;
    })
    .await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();
    channel.writer.write(Bytes::from_static(b"take your time")).await.unwrap();
    assert_eq!(timeout(PATIENCE, next_read(&mut channel)).await.unwrap(), Read::Data);
    assert!(link.is_alive());
    drop(channel);
    link.close().await;
    bench.no_task_left().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_no_dead_link() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, |mut stream: TcpStream| async move {
        // As much as there is room for; the other side hangs up in the end.
        while stream.write_all(&[b'x'; 8 << 10]).await.is_ok() {}
    })
    .await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();
    assert_eq!(next_read(&mut channel).await, Read::Data);

    // Once everything on the way is full, the question does not even get out.
    let unanswered = async {
        loop {
            let asked = Instant::now();
            assert!(link.probe().await);
            if asked.elapsed() >= Duration::from_secs(5) {
                return;
            }
        }
    };
    timeout(PATIENCE, unanswered).await.unwrap();
    assert!(link.is_alive());

    // Closing does not depend on that client either.
    timeout(PATIENCE, link.close()).await.unwrap();
    assert_eq!(timeout(PROMPT, link.ended()).await.unwrap(), LinkEnd::Closed);
    drop(channel);
    bench.no_task_left().await;
}

#[tokio::test]
async fn closing_says_goodbye() {
    let mut bench = Bench::new().await;
    let link = bench.connect().await;
    // An answer says that sshd has nothing more to write, which our hanging up would break.
    assert!(link.probe().await);
    link.close().await;
    assert_eq!(link.ended().await, LinkEnd::Closed);
    bench.sshd.logged("Received disconnect from").await;
    bench.no_task_left().await;
}

#[tokio::test]
async fn a_link_that_nobody_holds_ends() {
    let mut bench = Bench::new().await;
    drop(bench.connect().await);
    bench.sshd.logged("do_cleanup").await;
    bench.no_task_left().await;
}
