//! An attachment that is moved to another add-on while a session of its name is open.

use borealis_proto::{ErrorCode, SessionState};
use borealis_sandbox::Fault;

use crate::support::World;
use crate::{ADDON, Calls, TARGET, answer_with, calls, lose_the_key, until_reason, up};

/// Where the attachment leads after it was moved.
const OTHER: &str = "borealis-pg-hex-00002";

async fn move_it(world: &World) {
    let fault = Fault::Attach { app: "sushi".into(), name: "DATABASE".into(), addon: OTHER.into() };
    world.sandbox.fault(fault).await.unwrap();
}

#[tokio::test]
async fn an_open_session_stays_with_its_add_on_when_the_attachment_is_moved() {
    let world = World::new().await;
    let session = up(&world).await;
    move_it(&world).await;
    assert_eq!(world.up(&[TARGET]).await.addon, ADDON);
    assert_eq!(world.psql(&session, "select current_database()").await.ok(), "d1");
    let nothing = Calls { authorizations: 0, keys: 0, passwords: 0, resolves: 0 };
    assert_eq!(calls(&world).await, nothing);

    lose_the_key(&world).await;
    let blocked = until_reason(&world, SessionState::Blocked, ErrorCode::TargetMoved).await;
    let reason = blocked.reason.unwrap();
    assert_eq!(reason.message, format!("{TARGET} is now {OTHER}"));
    assert!(reason.hint.unwrap().contains("borealisctl down sushi/DATABASE, then borealisctl up"));
    assert_eq!(blocked.moved_to.as_deref(), Some(OTHER));
    let asked_once = Calls { authorizations: 0, keys: 0, passwords: 0, resolves: 1 };
    assert_eq!(calls(&world).await, asked_once);
    world.ctl(&["wait", TARGET]).await.fails(4);

    // A person may stay with the old one …
    world.ctl(&["refresh", TARGET]).await.ok();
    assert_eq!(world.psql(&session, "select current_database()").await.ok(), "d1");
    let told = world.ctl(&["status", TARGET]).await.ok();
    assert!(told.contains(&format!("{TARGET} is now {OTHER}")), "{told}");
    let told = world.ctl(&["doctor"]).await.ok();
    assert!(told.contains(&format!("the target is now {OTHER}")), "{told}");
    // … or go along.
    world.ctl(&["down", TARGET]).await.ok();
    let anew = world.up(&[TARGET]).await;
    assert_eq!((anew.addon.as_str(), anew.moved_to.as_deref()), (OTHER, None));
    assert_eq!(world.psql(&anew, "select current_database()").await.ok(), "d2");
    world.finish().await;
}

#[tokio::test]
async fn when_the_old_add_on_is_gone_it_is_said_where_the_target_leads_now() {
    let world = World::new().await;
    up(&world).await;
    move_it(&world).await;
    answer_with(&world, 404, Some(&format!("/heroku/resources/{ADDON}"))).await;
    let said = world.ctl(&["refresh", TARGET]).await.fails(4);
    assert!(said.contains(&format!("{TARGET} is now {OTHER}")), "{said}");
    let asked_once = Calls { authorizations: 2, keys: 1, passwords: 1, resolves: 1 };
    assert_eq!(calls(&world).await, asked_once);
    assert_eq!(world.status(TARGET).await.state, SessionState::Up, "what serves, serves on");
    world.finish().await;
}

#[tokio::test]
async fn a_second_session_of_a_moved_target_tells_the_first() {
    let world = World::new().await;
    up(&world).await;
    move_it(&world).await;
    let writer = world.up(&[TARGET, "-w"]).await;
    assert_eq!(writer.addon, OTHER);
    let sessions = world.ls().await;
    let reader = sessions.iter().find(|session| session.id != writer.id).unwrap();
    assert_eq!((reader.addon.as_str(), reader.moved_to.as_deref()), (ADDON, Some(OTHER)));
    assert_eq!(reader.state, SessionState::Up);
    world.finish().await;
}
