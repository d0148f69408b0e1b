//! New keys under load: the server asks for them, and nothing is lost or out of order.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::bench::*;

/// For hundreds of megabytes on a busy machine.
const LONG: Duration = Duration::from_secs(120);

#[tokio::test]
async fn keys_are_exchanged_again_in_the_middle_of_all_that_flows() {
    let bench = Bench::with(&["RekeyLimit 1M"]).await;
    let port = listener(&TaskTracker::new(), echo).await;
    let link = bench.connect().await;
    let sent = pattern(32 << 20);
    let four = (0..4).map(|_| there_and_back(&*link, port, sent.clone()));
    timeout(LONG, futures_util::future::join_all(four)).await.unwrap();
    let rekeyed = bench
        .sshd
        .log()
        .matches("rekeying in progress")
        .count()
        .max(bench.sshd.log().matches("SSH2_MSG_KEXINIT sent").count());
    assert!(rekeyed > 20, "{rekeyed} times");
    assert!(link.is_alive());
}
