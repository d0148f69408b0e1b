//! The password file that the daemon keeps right, used as tools use it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use borealis_sandbox::{Fault, Rotate};
use serde_json::Value;
use support::{Said, World, run};

const TARGET: &str = "sushi/DATABASE";

/// A socket in memory, as the runtime directory is.
fn in_memory() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("borealis-test-").tempdir_in("/dev/shm").unwrap()
}

/// A tool that knows the exported service and nothing else.
async fn psql(world: &World, services: &str) -> Said {
    let file = world.sandbox.dir().join("services");
    std::fs::write(&file, services).unwrap();
    let mut psql = world.command("psql");
    psql.env("PGSERVICEFILE", file).args(["-X", "-w", "-A", "-t", "-c", "select 1"]);
    psql.arg(format!("service={TARGET}"));
    run(psql).await
}

#[tokio::test]
async fn an_exported_tool_never_has_a_stale_password() {
    let memory = in_memory();
    let mut world = World::new().await;
    let socket = memory.path().join("run/borealisd.sock");
    world.set("BOREALIS_SOCKET", socket.to_str().unwrap());
    world.up(&[TARGET]).await;
    let services = world.ctl(&["export", "service", TARGET]).await.ok();
    let pgadmin: Value =
        serde_json::from_str(&world.ctl(&["export", "pgadmin", TARGET]).await.ok()).unwrap();
    let passfile = &pgadmin["Servers"]["1"]["ConnectionParameters"]["passfile"];
    let passfile = PathBuf::from(passfile.as_str().unwrap());
    assert_eq!(passfile.parent(), socket.parent());
    assert_eq!(passfile.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(psql(&world, &services).await.ok(), "1");

    world.sandbox.fault(Fault::Rotate { what: Rotate::Db, addon: None }).await.unwrap();
    assert!(psql(&world, &services).await.fails(2).contains("password authentication failed"));
    world.ctl(&["refresh", TARGET]).await.ok();
    world
        .until("the new password is there", || async {
            psql(&world, &services).await.code == Some(0)
        })
        .await;

    // Nobody asks for anything: the key is refused, and the password is looked at, too.
    world.sandbox.fault(Fault::ResetUsers { addon: None }).await.unwrap();
    world
        .until("tools are served after a reset", || async {
            psql(&world, &services).await.code == Some(0)
        })
        .await;

    world.ctl(&["down", TARGET]).await.ok();
    world
        .until("it is forgotten", || async {
            std::fs::read_to_string(&passfile).unwrap().is_empty()
        })
        .await;
    world.ctl(&["daemon", "stop"]).await.ok();
    assert!(!passfile.exists());
}

#[tokio::test]
async fn no_password_is_written_where_files_are_on_a_disk() {
    let world = World::new().await;
    if rustix::fs::statfs(world.sandbox.dir()).unwrap().f_type == 0x0102_1994 {
        // A machine whose temporary directory is memory: there is no disk to try.
        return world.finish().await;
    }
    world.up(&[TARGET]).await;
    let daemon: Value =
        serde_json::from_str(&world.ctl(&["daemon", "status", "--json"]).await.ok()).unwrap();
    assert_eq!(daemon.get("passfile"), None);
    let beside = PathBuf::from(world.var("BOREALIS_SOCKET")).with_file_name("pgpass");
    assert!(!beside.exists());
    world.finish().await;
}
