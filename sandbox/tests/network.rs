//! Another address on this machine, or another way out of it, in a network of the daemon's own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use support::{World, program, run};
use tokio::process::Child;

/// A daemon in a network of its own, that watches it.
struct Watcher {
    world: World,
    daemon: Child,
}

impl Watcher {
    async fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            say_that_it_was_not_done();
            return None;
        }
        let mut world = World::new().await;
        world.set("BOREALIS_LOG", "borealisd=debug");
        let mut daemon = world.command("unshare");
        daemon.args(["--net", "--", "sh", "-c", "ip link set lo up; exec \"$0\""]);
        let daemon = daemon.arg(program("borealisd")).spawn().unwrap();
        let watcher = Self { world, daemon };
        // Of the commands that ask it, this one starts no daemon of its own.
        let asked = || async { watcher.world.ctl(&["daemon", "status"]).await.code == Some(0) };
        watcher.world.until("it serves", asked).await;
        for what in ["the addresses are watched", "the routes are watched"] {
            watcher.world.until(what, || async { watcher.said(what) == 1 }).await;
        }
        assert_eq!(watcher.noticed(), 0, "what was there from the beginning is no change");
        Some(watcher)
    }

    fn said(&self, text: &str) -> usize {
        let log = std::fs::read_to_string(self.world.state_dir().join("borealisd.log"));
        log.unwrap().matches(text).count()
    }

    fn noticed(&self) -> usize {
        self.said("the network changed")
    }

    /// Runs `ip` in the daemon's network.
    async fn ip(&self, args: &str) {
        let pid = self.daemon.id().unwrap().to_string();
        let mut ip = self.world.command("nsenter");
        ip.args(["--net", "--target", &pid, "ip"]).args(args.split(' '));
        run(ip).await.ok();
    }

    async fn until_noticed(&self, times: usize) {
        self.world.until("it is noticed", || async { self.noticed() == times }).await;
    }

    async fn stop(mut self) {
        self.world.ctl(&["daemon", "stop"]).await.ok();
        assert!(self.daemon.wait().await.unwrap().success());
    }
}

#[expect(clippy::print_stderr, reason = "a test that could not do its work says so")]
fn say_that_it_was_not_done() {
    eprintln!("not root: there is no network to change");
}

#[tokio::test]
async fn an_address_that_comes_or_goes_is_noticed() {
    let Some(watcher) = Watcher::start().await else { return };
    for (seen, verb) in ["add", "del"].into_iter().enumerate() {
        watcher.ip(&format!("address {verb} 10.9.8.7/32 dev lo")).await;
        watcher.until_noticed(seen + 1).await;
    }
    watcher.stop().await;
}

#[tokio::test]
async fn a_route_that_comes_or_goes_is_noticed_without_an_address() {
    let Some(watcher) = Watcher::start().await else { return };
    for (seen, verb) in ["add", "del"].into_iter().enumerate() {
        watcher.ip(&format!("route {verb} 10.1.0.0/16 dev lo")).await;
        watcher.until_noticed(seen + 1).await;
    }
    watcher.stop().await;
}

#[tokio::test]
async fn a_vpn_that_comes_and_goes_is_one_change_each() {
    let Some(watcher) = Watcher::start().await else { return };
    watcher.ip("link add vpn type veth peer name gate").await;
    watcher.ip("link set gate up").await;
    watcher.ip("link set vpn up").await;
    watcher.ip("address add 10.8.0.2/24 dev vpn").await;
    watcher.ip("route add default via 10.8.0.1 dev vpn").await;
    watcher.world.until("it is noticed", || async { watcher.noticed() > 0 }).await;
    // The daemon rests for five seconds after each, and gathers for three.
    tokio::time::sleep(std::time::Duration::from_secs(9)).await;
    let up = watcher.noticed();
    // An IPv6 address that was probed for a second or two is news of its own.
    assert!(up <= 2, "{up}");
    watcher.ip("link del vpn").await;
    watcher.world.until("it is noticed", || async { watcher.noticed() > up }).await;
    watcher.stop().await;
}

#[tokio::test]
async fn a_route_that_is_only_renewed_is_no_change() {
    let Some(watcher) = Watcher::start().await else { return };
    for seconds in [1000, 2000, 3000] {
        watcher.ip(&format!("-6 route replace fd00:9::/64 dev lo expires {seconds}")).await;
    }
    watcher.until_noticed(1).await;
    for seconds in [4000, 5000] {
        watcher.ip(&format!("-6 route replace fd00:9::/64 dev lo expires {seconds}")).await;
    }
    // Told in order: had the renewal been a change, this would be the third.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(watcher.noticed(), 1);
    watcher.ip("route add 10.1.0.0/16 dev lo").await;
    watcher.until_noticed(2).await;
    watcher.stop().await;
}
