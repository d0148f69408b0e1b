//! One session more that comes and goes.

use super::super::stand::{SOBA, Target};
use super::super::tool::Trouble;
use super::{At, Client, exactly, numbers};

pub(super) struct UpDown;

impl Client for UpDown {
    const NAME: &'static str = "up and down";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let target = Target { name: SOBA, write: at.between(0, 1) == 1 };
        let rows = at.between(1, 1_000);
        let answer = ask(at, target, rows).await;
        // Down whatever happened, or the next would find it as it is.
        let down = at.stand.on("down", target, &["--drain", "1s"]).await?.ok();
        exactly(&answer?, &numbers(rows))?;
        down.map(drop)
    }
}

async fn ask(at: &At<'_>, target: Target, rows: i64) -> Result<Vec<u8>, Trouble> {
    at.stand.on("up", target, &["--timeout", "20s"]).await?.ok()?;
    let sql = format!("SELECT g FROM generate_series(1, {rows}) g");
    at.stand.psql(target, &[&sql], b"").await
}
