//! Plain bytes at full rate, and what they cost the tunnel's process.

use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::bed::{Bed, Goal};
use super::far_end::{Wish, drain};
use super::peers::connect;
use super::report::{Better, Report, Series};
use super::way::Way;
use super::{Error, proc};

const MIB: u64 = 1 << 20;
/// Moved in each measurement, over all its connections.
const TOTAL: u64 = 512 * MIB;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Down,
    Up,
}

pub(super) async fn measure(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    for direction in [Direction::Down, Direction::Up] {
        for connections in [1, 4] {
            one(bed, rounds, (direction, connections), report).await?;
        }
    }
    Ok(())
}

async fn one(
    bed: &Bed,
    rounds: u16,
    (direction, connections): (Direction, u64),
    report: &mut Report,
) -> Result<(), Error> {
    let name = format!("bulk {}, {connections} conn.", direction.name());
    let mut rate = Series::new(&name, "MiB/s", Better::Higher);
    let mut cost = Series::new(&format!("CPU, {name}"), "s/GiB", Better::Lower);
    for way in rounds_of(rounds, &Way::ALL) {
        let process = bed.process(way).await?;
        let before = process.map(proc::cpu_seconds).transpose()?;
        let port = bed.port(way, Goal::FarEnd);
        rate.add(way, move_bytes(port, direction, connections, TOTAL).await?);
        if let (Some(pid), Some(before)) = (process, before) {
            let gib = TOTAL / MIB;
            #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
            cost.add(way, (proc::cpu_seconds(pid)? - before) * 1024.0 / gib as f64);
        }
    }
    report.add(rate);
    report.add(cost);
    Ok(())
}

/// Each way once in each round; every other round backwards, so that none always comes first.
pub(super) fn rounds_of(rounds: u16, ways: &[Way]) -> Vec<Way> {
    let round = |round: u16| {
        let mut turn = ways.to_vec();
        if round % 2 == 1 {
            turn.reverse();
        }
        turn
    };
    (0..rounds).flat_map(round).collect()
}

/// MiB a second, over all connections together.
pub(super) async fn move_bytes(
    port: u16,
    direction: Direction,
    connections: u64,
    total: u64,
) -> Result<f64, Error> {
    let each = total / connections;
    let began = Instant::now();
    let one = || async move {
        let stream = connect(port).await?;
        let moved = match direction {
            Direction::Down => down(stream, each).await,
            Direction::Up => up(stream, each).await,
        };
        let moved = moved.map_err(Error::io("move bytes"))?;
        (moved == each).then_some(()).ok_or_else(|| Error::Wrong(format!("{moved} of {each} B")))
    };
    try_join_all((0..connections).map(|_| one())).await?;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    Ok((total / MIB) as f64 / began.elapsed().as_secs_f64())
}

async fn down(mut stream: TcpStream, bytes: u64) -> std::io::Result<u64> {
    stream.write_all(&Wish::Give(bytes).packet()).await?;
    drain(&mut stream).await
}

async fn up(mut stream: TcpStream, bytes: u64) -> std::io::Result<u64> {
    stream.write_all(&Wish::Take.packet()).await?;
    let piece = vec![0; 256 * 1024];
    let mut rest = bytes;
    while rest > 0 {
        let size = usize::try_from(rest).unwrap_or(piece.len()).min(piece.len());
        stream.write_all(piece.get(..size).unwrap_or_default()).await?;
        rest -= size as u64;
    }
    stream.shutdown().await?;
    stream.read_u64().await
}

impl Direction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
        }
    }
}
