//! `doctor` on the real thing: what it finds when all is well, and when each part is not; and that
//! it leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a helper that fails should fail the test")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use borealis_proto::{Check, Checkup, ErrorCode, SessionState, Verdict};
use borealis_sandbox::{Fault, Power};
use support::World;
use tokio::time::Instant;

const TARGET: &str = "sushi/DATABASE";

/// What it found, and what it ended with.
struct Found {
    code: Option<i32>,
    checks: Vec<Check>,
}

impl Found {
    async fn by(world: &World) -> Self {
        let said = world.ctl(&["doctor", "--json"]).await;
        let found: Checkup = serde_json::from_str(&said.out).unwrap();
        Self { code: said.code, checks: found.checks }
    }

    #[track_caller]
    fn check(&self, name: &str) -> &Check {
        self.checks.iter().find(|check| check.name == name).unwrap()
    }

    /// Only these are not well, and each says what to type next.
    #[track_caller]
    fn only(&self, code: i32, names: &[(&str, Verdict)]) {
        let unwell = self.checks.iter().filter(|check| check.verdict != Verdict::Ok);
        let unwell: Vec<_> =
            unwell.map(|check| (check.name.as_str(), check.verdict, &check.hint)).collect();
        assert!(unwell.iter().all(|(_, _, hint)| hint.is_some()), "{unwell:?}");
        let found: Vec<_> = unwell.iter().map(|(name, verdict, _)| (*name, *verdict)).collect();
        assert_eq!(found, names, "{unwell:?}");
        assert_eq!(self.code, Some(code));
    }
}

fn status(code: u16, times: u32, path: &str) -> Fault {
    Fault::Status { code, times, path: Some(path.into()), retry_after: None }
}

async fn nothing_stays_behind(world: &World) {
    let made = world.sandbox.count("POST", "/oauth/authorizations");
    assert!(made > 0, "the login was tried");
    world
        .until("each authorization is deleted", || async {
            world.sandbox.outstanding_authorizations() == 0
        })
        .await;
}

#[tokio::test]
async fn all_is_well_and_nothing_stays_behind() {
    let world = World::new().await;
    let found = Found::by(&world).await;
    found.only(0, &[]);
    assert!(found.check("daemon").message.contains("was started"), "{:?}", found.check("daemon"));
    assert!(found.check("login").message.contains("handed over by borealisctl"));
    nothing_stays_behind(&world).await;

    world.up(&[TARGET]).await;
    world.up(&[TARGET, "-w"]).await;
    let proved = world.status(TARGET).await.proved_at;
    world.sandbox.clear_requests();
    let found = Found::by(&world).await;
    found.only(0, &[]);
    let sessions: Vec<_> = found.checks.iter().filter(|check| check.name == "session").collect();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(|check| check.message.ends_with("and Postgres answers")));
    assert!(sessions.iter().all(|check| check.proved_at >= proved && check.session.is_some()));
    nothing_stays_behind(&world).await;
    assert_eq!(world.sandbox.count("POST", "/heroku/resources"), 0, "no user is asked for");
    let text = world.ctl(&["doctor"]).await.ok();
    assert!(text.ends_with("\nall is well"), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn apis_that_refuse_hang_or_are_gone() {
    let mut world = World::new().await;
    world.sandbox.fault(status(503, 1000, "/")).await.unwrap();
    let found = Found::by(&world).await;
    found.only(1, &[("heroku", Verdict::Problem), ("borealis", Verdict::Warning)]);
    assert_eq!(found.check("heroku").code, Some(ErrorCode::ServiceUnavailable));

    world.sandbox.fault(Fault::Resume).await.unwrap();
    let hang = Fault::Hang { times: 1000, path: Some("/".into()) };
    world.sandbox.fault(hang).await.unwrap();
    let asked = Instant::now();
    let both = [("heroku", Verdict::Problem), ("borealis", Verdict::Problem)];
    Found::by(&world).await.only(1, &both);
    assert!(asked.elapsed() < Duration::from_secs(40), "{:?}", asked.elapsed());
    world.sandbox.fault(Fault::Resume).await.unwrap();
    nothing_stays_behind(&world).await;

    world.ctl(&["daemon", "stop"]).await.ok();
    let (heroku, borealis) =
        (world.var("HEROKU_HOST").to_owned(), world.var("BOREALIS_PG_API_BASE_URL").to_owned());
    world.set("HEROKU_HOST", "http://127.0.0.1:1");
    world.set("BOREALIS_PG_API_BASE_URL", "http://127.0.0.1:1");
    let found = Found::by(&world).await;
    found.only(1, &both);
    assert!(found.checks.iter().all(|check| check.name != "clock"), "nobody said what time it is");
    world.ctl(&["daemon", "stop"]).await.ok();
    world.set("HEROKU_HOST", &heroku);
    world.set("BOREALIS_PG_API_BASE_URL", &borealis);
    Found::by(&world).await.only(0, &[]);
    world.finish().await;
}

/// Whoever asked has gone, and Heroku does not delete at the first try.
#[tokio::test]
async fn an_authorization_is_deleted_whatever_happens() {
    let world = World::new().await;
    world.ctl(&["daemon", "start"]).await.ok();
    world.sandbox.fault(status(500, 2, "/oauth/authorizations/")).await.unwrap();
    Found::by(&world).await.only(0, &[]);
    nothing_stays_behind(&world).await;
    assert_eq!(world.sandbox.count("DELETE", "/oauth/authorizations/"), 3);

    world.sandbox.clear_requests();
    let mut doctor = world.ctl_command(&["doctor"]);
    let mut doctor = doctor.stdout(std::process::Stdio::null()).spawn().unwrap();
    world
        .until("the login is tried", || async {
            world.sandbox.count("POST", "/oauth/authorizations") > 0
        })
        .await;
    doctor.kill().await.unwrap();
    nothing_stays_behind(&world).await;
    world.finish().await;
}

#[tokio::test]
async fn a_login_that_is_missing_or_refused() {
    let mut world = World::new().await;
    let key = world.var("HEROKU_API_KEY").to_owned();
    world.unset("HEROKU_API_KEY");
    let found = Found::by(&world).await;
    found.only(5, &[("login", Verdict::Problem)]);
    assert_eq!(found.check("login").code, Some(ErrorCode::LoginRequired));
    assert_eq!(world.sandbox.count("POST", "/oauth"), 0, "there is nothing to ask with");

    let netrc = format!("machine 127.0.0.1 login me password {key}\n");
    std::fs::write(world.sandbox.dir().join(".netrc"), netrc).unwrap();
    let found = Found::by(&world).await;
    found.only(0, &[]);
    assert!(found.check("login").message.ends_with("netrc"), "{:?}", found.check("login"));

    let mut wrong = world.ctl_command(&["doctor"]);
    wrong.env("HEROKU_API_KEY", "of-yesterday");
    let said = support::run(wrong).await;
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.out.contains("hint: unset HEROKU_API_KEY and log in"), "{said:?}");

    for (fault, exit, code) in [
        (status(401, 1, "/oauth"), 5, ErrorCode::LoginRequired),
        (status(429, 1, "/oauth"), 1, ErrorCode::RateLimited),
        (Fault::TwoFactor { code: "123456".into() }, 5, ErrorCode::TwoFactorRequired),
    ] {
        world.sandbox.fault(fault).await.unwrap();
        let found = Found::by(&world).await;
        found.only(exit, &[("heroku", Verdict::Problem)]);
        assert_eq!(found.check("heroku").code, Some(code));
    }
    world.sandbox.fault(Fault::Resume).await.unwrap();
    nothing_stays_behind(&world).await;
    world.finish().await;
}

/// The daemon looks for another login only now and then; `doctor` must not take the news from it.
#[tokio::test]
async fn a_login_that_is_accepted_helps_who_waits_for_one() {
    let mut world = World::new().await;
    let key = world.var("HEROKU_API_KEY").to_owned();
    world.up_reserved(&[TARGET], 0).await;
    world.ctl(&["daemon", "stop"]).await.ok();
    world.unset("HEROKU_API_KEY");
    world.until_state(TARGET, SessionState::Blocked).await;
    let found = Found::by(&world).await;
    found.only(5, &[("login", Verdict::Problem), ("session", Verdict::Problem)]);
    let netrc = format!("machine 127.0.0.1 login me password {key}\n");
    std::fs::write(world.sandbox.dir().join(".netrc"), netrc).unwrap();
    Found::by(&world).await.only(0, &[]);
    assert_eq!(world.status(TARGET).await.state, SessionState::Up);
    world.finish().await;
}

#[tokio::test]
async fn a_path_that_does_not_work_is_told_also_when_the_link_is_up() {
    let world = World::new().await;
    world.up(&[TARGET]).await;
    world.sandbox.fault(Fault::Postgres { power: Power::Stop }).await.unwrap();
    let found = Found::by(&world).await;
    found.only(1, &[("session", Verdict::Problem)]);
    assert!(found.check("session").message.contains("is up, but its path does not work"));
    world.sandbox.fault(Fault::Postgres { power: Power::Start }).await.unwrap();
    Found::by(&world).await.only(0, &[]);

    world.sandbox.fault(Fault::Refuse).await.unwrap();
    world.sandbox.fault(Fault::Cut).await.unwrap();
    world.until_state(TARGET, SessionState::Reconnecting).await;
    let found = Found::by(&world).await;
    found.only(1, &[("session", Verdict::Problem)]);
    assert!(found.check("session").proved_at.is_some());
    world.sandbox.fault(Fault::Resume).await.unwrap();
    world.ctl(&["reconnect", TARGET]).await.ok();
    Found::by(&world).await.only(0, &[]);
    world.finish().await;
}

#[tokio::test]
async fn a_state_directory_that_somebody_has_opened() {
    let world = World::new().await;
    world.ctl(&["daemon", "start"]).await.ok();
    let mode = |mode| {
        std::fs::set_permissions(world.state_dir(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o755);
    let found = Found::by(&world).await;
    found.only(1, &[("state-dir", Verdict::Problem)]);
    mode(0o700);
    Found::by(&world).await.only(0, &[]);
    let left = std::fs::read_dir(world.state_dir()).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(left.into_iter().all(|name| !name.contains("check")), "what was written is removed");
    world.finish().await;
}
