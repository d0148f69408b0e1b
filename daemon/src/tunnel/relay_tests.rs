//! The relay between a pipe and a channel made of queues.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::duplex;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::tunnel::traits::{ChannelLost, Opening};

struct Reader(mpsc::Receiver<Option<Bytes>>);

impl ChannelReader for Reader {
    fn read<'a>(&'a mut self, batch: &'a mut Vec<Bytes>) -> BoxFuture<'a, Read> {
        async move {
            match self.0.recv().await {
                Some(Some(data)) => {
                    batch.push(data);
                    Read::Data
                }
                Some(None) => Read::Eof,
                None => Read::Lost,
            }
        }
        .boxed()
    }
}

struct Writer(mpsc::Sender<Option<Bytes>>);

impl ChannelWriter for Writer {
    fn write(&mut self, data: Bytes) -> BoxFuture<'_, Result<(), ChannelLost>> {
        async move { self.0.send(Some(data)).await.map_err(|_| ChannelLost) }.boxed()
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), ChannelLost>> {
        async move { self.0.send(None).await.map_err(|_| ChannelLost) }.boxed()
    }
}

struct World {
    client: DuplexStream,
    to_client: Option<mpsc::Sender<Option<Bytes>>>,
    from_client: mpsc::Receiver<Option<Bytes>>,
    cancel: CancellationToken,
    end: tokio::task::JoinHandle<(RelayEnd, ByteCounts)>,
}

#[expect(clippy::disallowed_methods, reason = "the test joins the task by its handle")]
fn world(first: &'static [u8]) -> World {
    let (client, mut local) = duplex(64);
    let (to_client, down) = mpsc::channel(4);
    let (up, from_client) = mpsc::channel(4);
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let end = tokio::spawn(async move {
        let traffic = Traffic::default();
        let cut = CancellationToken::new();
        let opening = Opening::since(Instant::now());
        let channel =
            Channel { reader: Box::new(Reader(down)), writer: Box::new(Writer(up)), opening, cut };
        let first = Bytes::from_static(first);
        let end = relay(&mut local, first, channel, &traffic, &token).await;
        (end, traffic.snapshot())
    });
    World { client, to_client: Some(to_client), from_client, cancel, end }
}

#[tokio::test]
async fn bytes_flow_both_ways_and_are_counted() {
    let mut world = world(b"first");
    assert_eq!(world.from_client.recv().await, Some(Some(Bytes::from_static(b"first"))));
    world.client.write_all(b"more").await.unwrap();
    assert_eq!(world.from_client.recv().await, Some(Some(Bytes::from_static(b"more"))));

    let answer = Bytes::from(vec![7; 1000]);
    let to_client = world.to_client.take().unwrap();
    to_client.send(Some(answer.clone())).await.unwrap();
    to_client.send(None).await.unwrap();
    drop(to_client);
    let mut got = Vec::new();
    world.client.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, answer);
    let (end, bytes) = world.end.await.unwrap();
    assert_eq!(end, RelayEnd::Finished);
    assert_eq!((bytes.sent, bytes.received), (9, 1000));
}

#[tokio::test]
async fn a_client_that_has_said_all_still_hears_the_answer() {
    let mut world = world(b"question");
    world.client.shutdown().await.unwrap();
    assert!(world.from_client.recv().await.unwrap().is_some());
    assert_eq!(world.from_client.recv().await, Some(None), "its end goes through");

    let to_client = world.to_client.take().unwrap();
    to_client.send(Some(Bytes::from_static(b"answer"))).await.unwrap();
    to_client.send(None).await.unwrap();
    drop(to_client);
    let mut got = Vec::new();
    world.client.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"answer");
    assert_eq!(world.end.await.unwrap().0, RelayEnd::Finished);
}

#[tokio::test]
async fn a_lost_channel_is_no_polite_end() {
    let mut world = world(b"x");
    world.to_client.take();
    assert_eq!(world.end.await.unwrap().0, RelayEnd::Lost);
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_channel_being_read() {
    let mut world = world(b"");
    let to_client = world.to_client.take().unwrap();
    let chunk = Bytes::from(vec![1; 64]);
    // 64 bytes fit the client's pipe, one buffer is in the relay's hand, four in the queue.
    for _ in 0..6 {
        to_client.send(Some(chunk.clone())).await.unwrap();
    }
    tokio::task::yield_now().await;
    assert!(to_client.try_send(Some(chunk)).is_err(), "the queue stays full");
    world.cancel.cancel();
    assert_eq!(world.end.await.unwrap().0, RelayEnd::Cancelled);
}
