//! Local clients of a session, by way of a driver: what they are told, and how long they wait.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, NoTls};
use tokio_util::task::AbortOnDropHandle;

use super::{PATIENCE, World};

/// A database URL that Postgres accepted a moment ago.
pub async fn url(world: &World, target: &str) -> String {
    world.ctl(&["url", target]).await.ok()
}

pub async fn connect(world: &World, target: &str) -> Client {
    connect_to(&url(world, target).await).await
}

/// A driver on a connection of its own.
#[expect(clippy::disallowed_methods, reason = "the driver ends with its client")]
pub async fn connect_to(url: &str) -> Client {
    let connected = timeout(PATIENCE, tokio_postgres::connect(url, NoTls)).await.unwrap();
    let (client, connection) = connected.unwrap();
    tokio::task::spawn(connection);
    client
}

/// What a client is told that is not let in.
pub async fn turned_away(url: &str) -> DbError {
    let tried = timeout(PATIENCE, tokio_postgres::connect(url, NoTls)).await.unwrap();
    let Err(error) = tried else { panic!("it was let in") };
    error.as_db_error().unwrap_or_else(|| panic!("no word of Postgres: {error}")).clone()
}

/// Somebody who does nothing wrong, and asks small things all the time.
pub struct Bystander {
    asks: AbortOnDropHandle<()>,
    longest: tokio::sync::watch::Receiver<Seen>,
}

/// What became of the questions so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub asked: usize,
    pub longest: Duration,
}

impl Bystander {
    /// On a connection of its own.
    #[expect(clippy::disallowed_methods, reason = "it ends with its handle")]
    pub async fn new(url: &str) -> Self {
        let client = connect_to(url).await;
        let (seen, longest) = tokio::sync::watch::channel(Seen::default());
        let asks = tokio::task::spawn(async move {
            loop {
                let asked = Instant::now();
                client.simple_query("select 1").await.unwrap();
                seen.send_modify(|seen| {
                    seen.asked += 1;
                    seen.longest = seen.longest.max(asked.elapsed());
                });
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        Self { asks: AbortOnDropHandle::new(asks), longest }
    }

    /// What it has seen so far; fails when it was turned away.
    pub fn seen(&self) -> Seen {
        assert!(!self.asks.is_finished(), "the bystander was hurt");
        *self.longest.borrow()
    }

    /// What it has seen so far, after at least one more question.
    pub async fn leave(mut self) -> Seen {
        let asked = self.seen().asked;
        let answered = self.longest.wait_for(|seen| seen.asked > asked);
        *timeout(PATIENCE, answered).await.expect("it is answered").unwrap()
    }
}
