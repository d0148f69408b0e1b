//! Looking at sessions, choosing among add-ons, and taking a session to other tools.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod support;

use borealis_proto::{Session, SessionState};
use borealis_sandbox::Fault;
use support::terminal::{on_a_terminal, reading};
use support::{World, signal};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

async fn lines(command: &mut Command) -> (tokio::process::Child, Lines<BufReader<ChildStdout>>) {
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

#[tokio::test]
async fn watch_is_drawn_again_when_the_link_is_lost_and_back() {
    let world = World::new().await;
    world.up(&["sushi/DATABASE"]).await;
    let terminal = on_a_terminal(world.ctl_command(&["status", "sushi", "--watch"]));
    let (terminal, _) = reading(terminal, |terminal| terminal.exp_string("[32mup").unwrap()).await;
    world.sandbox.fault(Fault::Refuse).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    let (terminal, screen) = reading(terminal, |terminal| {
        let before = terminal.exp_string("[33mreconnecting").unwrap();
        terminal.exp_string("next try").unwrap();
        before
    })
    .await;
    assert!(screen.contains("\u{1b}[J"), "the first text is replaced: {screen:?}");
    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.ctl(&["reconnect", "sushi"]).await.ok();
    let (terminal, _) = reading(terminal, |terminal| terminal.exp_string("[32mup").unwrap()).await;
    world.ctl(&["down", "sushi"]).await.ok();
    let (_terminal, rest) = reading(terminal, |terminal| terminal.exp_eof().unwrap()).await;
    assert!(rest.contains("sushi/DATABASE was closed meanwhile"), "{rest:?}");
    world.finish().await;
}

#[tokio::test]
async fn events_come_as_they_happen() {
    let world = World::new().await;
    let mut command = world.ctl_command(&["events"]);
    let (mut events, mut lines) = lines(&mut command).await;
    let first = lines.next_line().await.unwrap().unwrap();
    assert_eq!(first, r#"{"type":"snapshot","sessions":[]}"#);
    let session = world.up(&["sushi/DATABASE"]).await;
    let mut states = Vec::new();
    while states.last() != Some(&SessionState::Up) {
        let line = lines.next_line().await.unwrap().unwrap();
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        let seen: Session = serde_json::from_value(event["session"].clone()).unwrap();
        assert_eq!(seen.id, session.id);
        states.push(seen.state);
    }
    assert_eq!(states.first(), Some(&SessionState::Opening), "{states:?}");
    world.ctl(&["down", "sushi"]).await.ok();
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if line == format!(r#"{{"type":"closed","id":"{}"}}"#, session.id) {
            break;
        }
    }
    signal(&mut events, "INT").await;
    world.finish().await;
}

#[tokio::test]
async fn an_app_with_two_add_ons_is_a_choice() {
    let world = World::new().await;
    let refused = world.ctl(&["up", "ramen"]).await.fails(4);
    assert!(refused.contains("name one of them: "), "{refused}");
    assert!(refused.contains("ramen/ARCHIVE") && refused.contains("ramen/DATABASE"), "{refused}");

    let terminal = on_a_terminal(world.ctl_command(&["up", "ramen"]));
    let (terminal, ()) = reading(terminal, |terminal| {
        terminal.exp_string("Which one?").unwrap();
        terminal.exp_string("ramen/DATABASE").unwrap();
        terminal.send("\r").unwrap();
        terminal.flush().unwrap();
    })
    .await;
    let (_terminal, rest) = reading(terminal, |terminal| terminal.exp_eof().unwrap()).await;
    let open = world.ls().await;
    assert_eq!(open.len(), 1, "{rest}");
    assert!(rest.contains(&format!("{}  read-only  up", open[0].target)), "{rest}");
    world.finish().await;
}

#[tokio::test]
async fn an_exported_session_is_used_by_psql_alone() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    let (services, passwords) =
        (world.sandbox.dir().join("services"), world.sandbox.dir().join("passwords"));
    let service = world.ctl(&["export", "service", "sushi"]).await.ok();
    std::fs::write(&services, service + "\n").unwrap();
    let password = world.ctl(&["export", "pgpass", "sushi"]).await.ok();
    std::fs::write(&passwords, password.clone() + "\n").unwrap();
    let private = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    std::fs::set_permissions(&passwords, private).unwrap();
    let mut psql = world.command("psql");
    psql.args(["-X", "-w", "-A", "-t", "-c", "select current_user", "service=sushi/DATABASE"]);
    psql.env("PGSERVICEFILE", &services).env("PGPASSFILE", &passwords);
    assert_eq!(support::run(psql).await.ok(), session.user.unwrap());

    let secret = password.rsplit(':').next().unwrap();
    for tool in ["service", "pgadmin", "dbeaver"] {
        let said = world.ctl(&["export", tool, "sushi"]).await;
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{tool}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_slip_of_the_pen_and_the_id_of_a_request() {
    let world = World::new().await;
    world.up(&["sushi/DATABASE"]).await;
    let refused = world.ctl(&["up", "sishi/DATABASE", "--verbose"]).await.fails(4);
    assert!(refused.contains("did you mean sushi/DATABASE?"), "{refused}");
    let (_, id) = refused.split_once("request ").unwrap();
    let id: String = id.chars().take_while(char::is_ascii_alphanumeric).collect();
    assert_eq!(id.len(), 32, "{refused}");
    world.finish().await;
}

#[tokio::test]
async fn the_name_and_the_uuid_of_an_add_on_mean_the_open_session_without_asking_heroku() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    let id = session.addon_id.clone().unwrap();
    world.sandbox.clear_requests();
    for target in [session.addon.as_str(), &id, &id.to_uppercase(), &format!("sushi/{id}")] {
        assert_eq!(world.up(&[target]).await.id, session.id, "{target}");
        assert_eq!(world.status(target).await.id, session.id, "{target}");
        let said = world.ctl(&["run", target, "-u", "-d", "select 1", "-f", "csv"]).await.ok();
        assert_eq!(said, "?column?\n1");
    }
    assert_eq!(world.sandbox.requests(), [], "nobody was asked");
    world.ctl(&["down", &id]).await.ok();
    world.finish().await;
}
