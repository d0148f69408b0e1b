//! pgbench, as it is and with a connection for each transaction. Its books are looked at in the end.

use super::super::stand::RAMEN_RW;
use super::super::tool::{self, Trouble};
use super::{At, Client};

pub(super) struct Bench;

impl Client for Bench {
    const NAME: &'static str = "pgbench";

    async fn work(&mut self, at: &mut At<'_>) -> Result<(), Trouble> {
        let url = at.stand.url(RAMEN_RW).await?;
        let mut command = at.stand.command("pgbench");
        let transactions = at.between(20, 100).to_string();
        command.args(["--no-vacuum", "--client=2", "--transactions"]).arg(transactions);
        if at.between(0, 1) == 1 {
            command.arg("--connect");
        }
        command.arg(url);
        tool::run(command, b"").await?.ok().map(drop)
    }
}
