//! Over a long way: each byte takes half a round trip, and there is room for as many as are sent.

use super::Error;
use super::bed::{Bed, Goal};
use super::bulk::{Direction, move_bytes, rounds_of};
use super::client::{answers, millis};
use super::report::{Better, Report, Series};
use super::way::Way;

/// Enough to get over the beginning, when everything is careful.
const TOTAL: u64 = 256 << 20;

const TUNNELS: [Way; 3] = [Way::Ssh, Way::SshGcm, Way::Ours];

pub(super) async fn measure(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    for direction in [Direction::Down, Direction::Up] {
        let name = format!("80 ms: {}", direction.name());
        let mut rate = Series::new(&name, "MiB/s", Better::Higher);
        for way in rounds_of(rounds, &TUNNELS) {
            let port = bed.port(way, Goal::FarEnd);
            rate.add(way, move_bytes(port, direction, 1, TOTAL).await?);
        }
        report.add(rate);
    }
    first_query(bed, rounds, report).await
}

/// A whole psql, over a tunnel that stands.
async fn first_query(bed: &Bed, rounds: u16, report: &mut Report) -> Result<(), Error> {
    let mut standing = Series::new("80 ms: psql -c, standing tunnel", "ms", Better::Lower);
    for way in rounds_of(rounds, &TUNNELS) {
        let psql = bed.psql(bed.port(way, Goal::Postgres), "select 1");
        standing.add(way, millis(answers(psql, "1").await?));
    }
    report.add(standing);
    Ok(())
}
