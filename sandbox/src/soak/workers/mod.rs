//! The clients: each does its piece of work again and again, and knows what the answer must be.

mod bench;
mod cancel;
mod copies;
mod idle;
mod killed;
mod money;
mod reads;
mod sessions;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::data::Ledger;
use super::record::Record;
use super::stand::Stand;
use super::tool::Trouble;
use super::weather::Weather;

/// Between two pieces of work, in milliseconds: many clients, and yet room for them on two cores.
const PAUSE: [u64; 2] = [200, 1_500];

/// What all clients share.
pub(super) struct Shared {
    pub(super) stand: Arc<Stand>,
    pub(super) record: Record,
    pub(super) weather: Weather,
    pub(super) ledger: Ledger,
}

/// What a client has while it works.
struct At<'a> {
    stand: &'a Stand,
    ledger: &'a Ledger,
    random: StdRng,
    /// Cancelled: work that waits for nothing but time ends now.
    stop: CancellationToken,
}

trait Client: Send + 'static {
    const NAME: &'static str;

    /// One piece of work. It ends by itself, within what [`super::tool::LIMIT`] allows.
    fn work(&mut self, at: &mut At<'_>) -> impl Future<Output = Result<(), Trouble>> + Send;
}

/// Whose work opens a session each time.
pub(super) const UP_AND_DOWN: &str = sessions::UpDown::NAME;
/// All of them.
pub(super) const NAMES: [&str; 16] = [
    reads::Psql::NAME,
    reads::OwnPsql::NAME,
    reads::RunPersonal::NAME,
    reads::RunApplication::NAME,
    reads::Dump::NAME,
    money::Counter::NAME,
    money::Transfer::NAME,
    money::Sum::NAME,
    copies::In::NAME,
    copies::Out::NAME,
    copies::Slow::NAME,
    bench::Bench::NAME,
    idle::Idle::NAME,
    cancel::Cancel::NAME,
    killed::Killed::NAME,
    UP_AND_DOWN,
];

/// Sends them all to work, until `stop`.
pub(super) fn start(
    shared: &Arc<Shared>,
    seed: u64,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let mut starter = Starter { shared, seed, tasks, stop };
    starter.start(reads::Psql);
    starter.start(reads::OwnPsql);
    starter.start(reads::RunPersonal);
    starter.start(reads::RunApplication);
    starter.start(reads::Dump);
    starter.start(money::Counter);
    starter.start(money::Transfer);
    starter.start(money::Sum);
    starter.start(copies::In);
    starter.start(copies::Out);
    starter.start(copies::Slow);
    starter.start(bench::Bench);
    starter.start(idle::Idle);
    starter.start(cancel::Cancel);
    starter.start(killed::Killed);
    starter.start(sessions::UpDown);
}

struct Starter<'a> {
    shared: &'a Arc<Shared>,
    seed: u64,
    tasks: &'a TaskTracker,
    stop: &'a CancellationToken,
}

impl Starter<'_> {
    fn start(&mut self, client: impl Client) {
        self.seed = self.seed.wrapping_add(1);
        let random = StdRng::seed_from_u64(self.seed);
        self.tasks.spawn(drive(client, Arc::clone(self.shared), random, self.stop.clone()));
    }
}

async fn drive<C: Client>(
    mut client: C,
    shared: Arc<Shared>,
    random: StdRng,
    stop: CancellationToken,
) {
    let mut at = At { stand: &shared.stand, ledger: &shared.ledger, random, stop: stop.clone() };
    while !stop.is_cancelled() {
        let before = shared.weather.now();
        let outcome = client.work(&mut at).await;
        shared.record.step(C::NAME, outcome, shared.weather.fair_since(before));
        at.pause(PAUSE).await;
    }
}

impl At<'_> {
    /// A number between these two, both included.
    fn between(&mut self, from: i64, to: i64) -> i64 {
        self.random.random_range(from..=to)
    }

    /// Some milliseconds between these two, or until the end.
    async fn pause(&mut self, [from, to]: [u64; 2]) {
        let time = Duration::from_millis(self.random.random_range(from..=to));
        let slept = self.stop.run_until_cancelled(tokio::time::sleep(time));
        // Either is a reason to go on.
        let _whole = slept.await;
    }

    fn one_of<T: Copy>(&mut self, all: &[T], first: T) -> T {
        let place = self.random.random_range(0..all.len().max(1));
        all.get(place).copied().unwrap_or(first)
    }
}

/// An answer that is the expected one, to the byte.
fn exactly(found: &[u8], expected: &str) -> Result<(), Trouble> {
    if found == expected.as_bytes() {
        return Ok(());
    }
    let same = found.iter().zip(expected.as_bytes()).take_while(|(a, b)| a == b).count();
    let tail = found.get(same..).unwrap_or_default();
    let tail = String::from_utf8_lossy(tail.get(..80).unwrap_or(tail)).into_owned();
    Err(Trouble::Wrong(format!(
        "{} bytes where {} are right; after {same} comes {tail:?}",
        found.len(),
        expected.len()
    )))
}

/// `1` to `rows`, a line each.
fn numbers(rows: i64) -> String {
    (1..=rows).map(|n| format!("{n}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_answer_is_wrong() {
        assert_eq!(exactly(b"1\n2\n3\n", &numbers(3)), Ok(()));
        for found in [&b"1\n2\n"[..], b"1\n2\n3\n4\n", b"1\n3\n2\n", b""] {
            assert!(matches!(exactly(found, &numbers(3)), Err(Trouble::Wrong(_))));
        }
    }
}
