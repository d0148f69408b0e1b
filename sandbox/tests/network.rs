//! Another address on this machine, in a network of the daemon's own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use support::{World, program, run};

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that could not do its work says so")]
async fn an_address_that_comes_or_goes_is_noticed() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not root: there is no network to change");
        return;
    }
    let mut world = World::new().await;
    world.set("BOREALIS_LOG", "borealisd=debug");
    let mut daemon = world.command("unshare");
    daemon.arg("--net").arg(program("borealisd"));
    let mut daemon = daemon.spawn().unwrap();
    let pid = daemon.id().unwrap().to_string();
    // Of the commands that ask it, this one starts no daemon of its own.
    world
        .until("it serves", || async { world.ctl(&["daemon", "status"]).await.code == Some(0) })
        .await;
    let log = world.state_dir().join("borealisd.log");
    let said = |text: &str| std::fs::read_to_string(&log).unwrap().matches(text).count();
    let noticed = || said("the network changed");
    world.until("it watches", || async { said("the network is watched") == 1 }).await;
    assert_eq!(noticed(), 0, "what was there from the beginning is no change");
    for (seen, verb) in ["add", "del"].into_iter().enumerate() {
        let mut ip = world.command("nsenter");
        ip.args(["--net", "--target", &pid, "ip", "address", verb, "10.9.8.7/32", "dev", "lo"]);
        run(ip).await.ok();
        world.until("it is noticed", || async { noticed() == seen + 1 }).await;
    }
    world.ctl(&["daemon", "stop"]).await.ok();
    assert!(daemon.wait().await.unwrap().success());
}
