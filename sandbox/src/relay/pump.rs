//! One direction of a relayed connection: a delay line, so that a long way costs time and not
//! throughput, and a tap that can be shut.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

const CHUNK: usize = 64 * 1024;
/// What may be on the way in one direction: 250 MB/s over 200 ms one way. Full: the sender waits.
const LINE_CAPACITY: usize = 48 * 1024 * 1024;

/// What a packet carries.
const PACKET: usize = 1448;
/// The shortest time after which Linux sends again what nobody acknowledges.
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// How the network is today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Weather {
    /// Nothing passes; nobody is told.
    pub(super) stalled: bool,
    /// What each direction takes.
    pub(super) one_way: Duration,
    /// Of a hundred packets, how many are lost.
    pub(super) loss: u8,
}

impl Weather {
    /// How long the loss of one packet among so many bytes holds up all that follows: TCP delivers
    /// in order, and sends again after a round trip, or after its shortest timeout. That TCP also
    /// slows down is left out.
    fn held_up(self, bytes: usize) -> Option<Duration> {
        let packets = i32::try_from(bytes.div_ceil(PACKET)).unwrap_or(i32::MAX);
        let all_arrive = (1.0 - f64::from(self.loss) / 100.0).powi(packets);
        let lost = self.loss > 0 && rand::random::<f64>() >= all_arrive;
        lost.then(|| RETRANSMISSION.max(self.one_way * 2))
    }
}

/// What is on the way.
#[derive(Default)]
struct Line {
    chunks: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    /// The sender's end of file, which travels behind its bytes.
    ended: Option<Instant>,
    /// Nothing sets out before: a packet ahead of it was lost.
    held_until: Option<Instant>,
}

impl Line {
    /// When what is sent now arrives.
    fn arrival(&mut self, weather: Weather, bytes: usize) -> Instant {
        let now = Instant::now();
        let departs = self.held_until.map_or(now, |until| until.max(now));
        let departs = departs + weather.held_up(bytes).unwrap_or_default();
        self.held_until = Some(departs);
        departs + weather.one_way
    }

    fn push(&mut self, due: Instant, chunk: Vec<u8>) {
        self.bytes += chunk.len();
        self.chunks.push_back((due, chunk));
    }

    fn next_due(&self) -> Option<Instant> {
        self.chunks.front().map(|(due, _)| *due).or(self.ended)
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let (_, chunk) = self.chunks.pop_front()?;
        self.bytes -= chunk.len();
        Some(chunk)
    }
}

/// Carries bytes until `from` ended and everything arrived, then ends `to` as well.
pub(super) async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    carried: &AtomicU64,
) -> io::Result<()> {
    let mut line = Line::default();
    let mut buffer = vec![0; CHUNK];
    loop {
        let now = *weather.borrow_and_update();
        let due = line.next_due().filter(|_| !now.stalled);
        tokio::select! {
            read = from.read(&mut buffer), if line.ended.is_none() && line.bytes < LINE_CAPACITY => {
                let chunk = buffer.get(..read?).unwrap_or_default();
                carried.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                let arrives = line.arrival(now, chunk.len());
                match chunk {
                    [] => line.ended = Some(arrives),
                    // Good weather: no copy, no queue.
                    _ if now == Weather::default() && line.chunks.is_empty() => {
                        to.write_all(chunk).await?;
                    }
                    _ => line.push(arrives, chunk.to_vec()),
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                match line.pop() {
                    Some(chunk) => to.write_all(&chunk).await?,
                    None => return to.shutdown().await,
                }
            }
            changed = weather.changed() => {
                // The relay is gone, and its connections with it.
                if changed.is_err() { return Ok(()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::DuplexStream;
    use tokio_util::task::TaskTracker;

    struct Way {
        near: DuplexStream,
        far: DuplexStream,
        weather: watch::Sender<Weather>,
    }

    fn way(weather: Weather) -> Way {
        let (near, from) = tokio::io::duplex(1024 * 1024);
        let (to, far) = tokio::io::duplex(1024 * 1024);
        let (weather, receiver) = watch::channel(weather);
        TaskTracker::new()
            .spawn(async move { pump(from, to, receiver, &AtomicU64::new(0)).await.unwrap() });
        Way { near, far, weather }
    }

    fn delayed(millis: u64) -> Weather {
        Weather { one_way: Duration::from_millis(millis), ..Weather::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_arrive_in_order_and_end_after_them() {
        for weather in [Weather::default(), delayed(30)] {
            let mut way = way(weather);
            let sent: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
            way.near.write_all(&sent).await.unwrap();
            way.near.shutdown().await.unwrap();
            let mut received = Vec::new();
            way.far.read_to_end(&mut received).await.unwrap();
            assert!(received == sent, "{weather:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_costs_time_once_not_for_each_chunk() {
        let mut way = way(delayed(50));
        let started = Instant::now();
        for _ in 0..10 {
            way.near.write_all(&[7; 64 * 1024]).await.unwrap();
        }
        let mut received = vec![0; 10 * 64 * 1024];
        way.far.read_exact(&mut received).await.unwrap();
        let took = started.elapsed();
        assert!((Duration::from_millis(50)..Duration::from_millis(60)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_passes_nothing_and_loses_nothing() {
        let mut way = way(Weather { stalled: true, ..Weather::default() });
        way.near.write_all(b"hello").await.unwrap();
        let mut received = [0; 5];
        let early = tokio::time::timeout(Duration::from_secs(60), way.far.read(&mut received));
        assert!(early.await.is_err(), "bytes passed a stalled relay");
        way.weather.send_replace(Weather::default());
        way.far.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"hello");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_packet_holds_up_what_follows_and_nothing_is_lost() {
        let lossy = |loss| Weather { loss, ..Weather::default() };
        let mut way = way(lossy(100));
        way.near.write_all(b"late").await.unwrap();
        let started = Instant::now();
        let mut received = [0; 4];
        way.far.read_exact(&mut received).await.unwrap();
        assert_eq!((&received, started.elapsed()), (b"late", RETRANSMISSION));

        way.weather.send_replace(lossy(1));
        let (started, sent) = (Instant::now(), vec![7; 2_000 * PACKET]);
        let mut received = vec![0; sent.len()];
        tokio::join!(async { way.near.write_all(&sent).await.unwrap() }, async {
            way.far.read_exact(&mut received).await.unwrap()
        },);
        assert!(received == sent);
        // About 18 of the 44 chunks lose one or more; none losing any has odds of 10^-9.
        assert!(started.elapsed() >= RETRANSMISSION, "{:?}", started.elapsed());
    }
}
