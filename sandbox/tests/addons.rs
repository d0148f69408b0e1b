//! The add-on itself: what is shown, what is changed, what asks to be confirmed, and what each
//! refusal of the service says.
#![allow(clippy::unwrap_used, reason = "a helper that fails should fail the test")]

mod support;

use borealis_sandbox::Fault;
use serde_json::{Value, json};
use support::{World, run, signal};

const ADDON: &str = "borealis-pg-hex-12345";

async fn json_of(world: &World, args: &[&str]) -> Value {
    serde_json::from_str(&world.ctl(&[args, &["--json"]].concat()).await.ok()).unwrap()
}

fn status(code: u16, path: &str) -> Fault {
    Fault::Status { code, times: 1, path: Some(path.to_owned()), retry_after: None }
}

#[tokio::test]
async fn info_speaks_the_services_words_to_people_and_its_fields_to_scripts() {
    let world = World::new().await;
    let text = world.ctl(&["info", "sushi/DATABASE"]).await.ok();
    assert!(text.starts_with(&format!("{ADDON}  Available\n")), "{text}");
    for word in ["N. Virginia (United States)", "Single Tenant", "20.0 GiB", "OK", "x2-h20"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    for target in ["sushi", ADDON, "sushi::DATABASE", "sushi/DATABASE_URL"] {
        let info = json_of(&world, &["info", target]).await;
        assert_eq!((&info["addonName"], &info["status"]), (&json!(ADDON), &json!("available")));
        assert_eq!(info["restoreSourceAddonName"], Value::Null);
    }
    let colon = world.ctl(&["borealis-pg:info", "--app", "sushi", "--addon", "DATABASE"]).await;
    assert!(colon.ok().contains(ADDON));
    let session = world.up(&["sushi/DATABASE"]).await;
    assert_eq!(json_of(&world, &["info", session.id.as_str()]).await["addonName"], ADDON);
    assert!(world.ctl(&["info", "ramen"]).await.fails(4).contains("ramen/ARCHIVE"));
    world.ctl(&["info", "empty"]).await.fails(4);
    world.finish().await;
}

#[tokio::test]
async fn extensions_come_with_what_they_need_and_go_when_it_is_meant() {
    let world = World::new().await;
    world.ctl(&["extensions", "install", "sushi", "hstore"]).await.ok();
    let taken = world.ctl(&["extensions", "install", "--app", "sushi", "hstore"]).await.fails(6);
    assert!(taken.contains("installed already"), "{taken}");
    world.ctl(&["extensions", "install", "sushi", "hstore", "-s"]).await.ok();
    let unknown = world.ctl(&["extensions", "install", "sushi", "fugu"]).await.fails(6);
    assert!(unknown.contains("not supported"), "{unknown}");

    let needs = world.ctl(&["extensions", "install", "sushi", "earthdistance"]).await.fails(6);
    assert!(needs.contains("needs cube") && needs.contains("--recursive"), "{needs}");
    let colon = ["borealis-pg:extensions:install", "-a", "sushi", "-r", "earthdistance"];
    let authorized = world.sandbox.count("POST", "/oauth/authorizations");
    let installed = world.ctl(&colon).await.ok();
    let authorized = world.sandbox.count("POST", "/oauth/authorizations") - authorized;
    assert_eq!(authorized, 3, "one for each call: refused, what it needs, and again");
    assert_eq!(installed.lines().count(), 2, "{installed}");
    assert!(installed.starts_with("cube  "), "{installed}");
    let list = json_of(&world, &["extensions", "sushi"]).await;
    let names: Vec<&str> = list["extensions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["cube", "earthdistance", "hstore", "plpgsql"]);
    assert!(world.ctl(&["extensions", "sushi"]).await.ok().contains("SCHEMA"));

    let remove = ["extensions", "remove", "sushi"];
    let asked = world.sandbox.count("DELETE", "/pg-extensions");
    let unasked = world.ctl(&[&remove[..], &["hstore"]].concat()).await.fails(2);
    assert!(unasked.contains("--confirm"), "{unasked}");
    let wrong = world.ctl(&[&remove[..], &["hstore", "-c", "sushi"]].concat()).await.fails(2);
    assert!(wrong.contains(ADDON), "{wrong}");
    assert_eq!(world.sandbox.count("DELETE", "/pg-extensions"), asked, "nothing was done");
    let needed = world.ctl(&[&remove[..], &["cube", "-c", ADDON]].concat()).await.fails(6);
    assert!(needed.contains("needed by others"), "{needed}");
    world.ctl(&[&remove[..], &["hstore", "-c", ADDON]].concat()).await.ok();
    let gone = world.ctl(&[&remove[..], &["hstore", "-c", ADDON]].concat()).await.fails(4);
    assert!(gone.contains("not installed"), "{gone}");
    world.ctl(&[&remove[..], &["hstore", "-c", "hstore", "-s"]].concat()).await.ok();
    world.finish().await;
}

#[tokio::test]
async fn users_are_reset_when_it_is_meant_and_sessions_go_on() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    let users = json_of(&world, &["users", "sushi"]).await;
    let app = users["users"][0].clone();
    assert_eq!(users["users"][1]["readOnlyUsername"], json!(session.user));
    assert!(world.ctl(&["users", "sushi"]).await.ok().contains("Heroku App User"));

    world.ctl(&["users", "reset", "sushi"]).await.fails(2);
    world.ctl(&["users", "reset", "sushi", "-c", "sushi"]).await.fails(2);
    assert_eq!(json_of(&world, &["users", "sushi"]).await["users"][0], app, "nothing was done");
    world.ctl(&["borealis-pg:users:reset", "-a", "sushi", "-c", ADDON]).await.ok();
    assert_ne!(json_of(&world, &["users", "sushi"]).await["users"][0], app);
    world.ctl(&["wait", "sushi/DATABASE", "--timeout", "30s"]).await.ok();
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");

    for (code, exit, said) in [(400, 6, "under maintenance"), (403, 6, "write access")] {
        world.sandbox.fault(status(code, "/db-users/credentials")).await.unwrap();
        let refused = world.ctl(&["users", "reset", "sushi", "-c", ADDON]).await.fails(exit);
        assert!(refused.contains(said), "{code}: {refused}");
    }
    world.finish().await;
}

#[tokio::test]
async fn integrations_are_registered_shown_and_removed() {
    let world = World::new().await;
    let key = world.sandbox.dir().join("integration");
    let mut keygen = world.command("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "me@home", "-f"]).arg(&key);
    run(keygen).await.ok();
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let words: Vec<&str> = public.split_whitespace().collect();

    let register = ["integrations", "register", "sushi", "-n", "bi_tool", "--json"];
    let login: Value =
        serde_json::from_str(&world.ctl(&[&register[..], &words].concat()).await.ok()).unwrap();
    assert!(login["dbPassword"].as_str().is_some_and(|password| !password.is_empty()));
    let mut psql = world.command("psql");
    psql.args(["-X", "-A", "-t", "-c", "select 1"]).env("PGSSLMODE", "require");
    psql.env("PGHOST", "127.0.0.1").env("PGPORT", login["dbPort"].to_string());
    for (name, field) in
        [("PGDATABASE", "dbName"), ("PGUSER", "dbUsername"), ("PGPASSWORD", "dbPassword")]
    {
        psql.env(name, login[field].as_str().unwrap());
    }
    assert_eq!(run(psql).await.ok(), "1");

    let again = ["borealis-pg:integrations:register", "-a", "sushi", "-n", "bi_tool"];
    let taken = world.ctl(&[&again[..], &[public.trim()]].concat()).await.fails(6);
    assert!(taken.contains("already"), "{taken}");
    let bad = ["integrations", "register", "sushi", "-n", "BI Tool", "ssh-ed25519", "AAAA"];
    assert!(world.ctl(&bad).await.fails(6).contains("1 to 25"));
    let list = json_of(&world, &["integrations", "sushi"]).await;
    assert_eq!(list["integrations"][0]["name"], "bi_tool");
    assert!(world.ctl(&["integrations", "sushi"]).await.ok().contains("read-only"));

    world.ctl(&["integrations", "remove", "sushi", "bi_tool"]).await.fails(2);
    world.ctl(&["integrations", "remove", "sushi", "bi_tool", "-c", ADDON]).await.ok();
    let colon =
        ["borealis-pg:integrations:remove", "-a", "sushi", "-n", "bi_tool", "-c", "bi_tool"];
    assert!(world.ctl(&colon).await.fails(4).contains("no data integration"));
    world.finish().await;
}

#[tokio::test]
async fn restore_makes_another_add_on_and_waits_for_it() {
    let world = World::new().await;
    let capabilities = json_of(&world, &["restore", "capabilities", "sushi"]).await;
    assert_eq!(capabilities["cloneSupported"], true);
    assert!(world.ctl(&["restore", "sushi"]).await.ok().contains("earliest"));

    let made = 1 + world.sandbox.count("POST", "/addons");
    let execute =
        ["restore", "execute", "sushi", "--as", "BACKUP", "-d", "sushi-staging", "--wait"];
    let said = world.ctl(&[&execute[..], &["--json"]].concat()).await;
    assert!(said.err.contains("is ready"), "{}", said.err);
    let new: Value = serde_json::from_str(&said.ok()).unwrap();
    assert_eq!(
        (&new["state"], &new["app"]["name"]),
        (&json!("provisioned"), &json!("sushi-staging"))
    );
    assert_eq!(new["plan"]["name"], "borealis-pg:x2-h20-p20-s20");
    let info = json_of(&world, &["info", "sushi-staging/BACKUP"]).await;
    assert_eq!(
        (&info["addonName"], &info["restoreSourceAddonName"]),
        (&new["name"], &json!(ADDON))
    );

    // Heroku takes it to be there; the service is not done.
    let unfinished = Fault::Status {
        code: 422,
        times: 2,
        path: Some("/heroku/resources/".to_owned()),
        retry_after: None,
    };
    let again = ["restore", "execute", "sushi", "--as", "SECOND", "-d", "sushi-staging", "--wait"];
    let mut waiting = world.ctl_command(&again);
    let waiting = waiting.stderr(std::process::Stdio::piped()).spawn().unwrap();
    world.until("it is made", || async { world.sandbox.count("POST", "/addons") > made }).await;
    let looks = || world.sandbox.count("GET", "/heroku/resources/");
    let before = looks();
    world.sandbox.fault(unfinished).await.unwrap();
    let said = waiting.wait_with_output().await.unwrap();
    assert!(said.status.success(), "{said:?}");
    assert_eq!(looks() - before, 3, "two that were told to wait, and the last");

    let taken = world.ctl(&execute).await.fails(6);
    assert!(taken.contains("already taken"), "{taken}");
    world.ctl(&["restore", "execute", "sushi", "-c", "sushi"]).await.fails(2);
    world.ctl(&["restore", "execute", "sushi", "-t", "yesterday"]).await.fails(2);
    world.sandbox.fault(status(400, "/restore-tokens")).await.unwrap();
    let refused = world.ctl(&["restore", "execute", "sushi"]).await.fails(6);
    assert!(refused.contains("cannot be restored"), "{refused}");
    world.finish().await;
}

#[tokio::test]
async fn upgrade_is_shown_begun_and_cancelled() {
    let world = World::new().await;
    assert_eq!(json_of(&world, &["upgrade", "info", "sushi"]).await["upgradeStatus"], "available");
    assert!(world.ctl(&["upgrade", "sushi"]).await.ok().contains("can be upgraded"));
    let none = world.ctl(&["upgrade", "cancel", "sushi", "-c", ADDON]).await.fails(4);
    assert!(none.contains("no upgrade"), "{none}");

    world.ctl(&["upgrade", "execute", "sushi"]).await.fails(2);
    assert_eq!(world.sandbox.count("POST", "/pg-version-upgrades"), 0, "nothing was done");
    let started =
        world.ctl(&["borealis-pg:upgrade:execute", "-a", "sushi", "-c", ADDON]).await.ok();
    assert!(started.contains("from PostgreSQL 15 to 16"), "{started}");
    let running = world.ctl(&["upgrade", "execute", "sushi", "-c", ADDON]).await.fails(6);
    assert!(running.contains("under maintenance"), "{running}");
    let text = world.ctl(&["info", "sushi"]).await.ok();
    assert!(text.contains("Upgrading PostgreSQL major version"), "{text}");
    world.ctl(&["upgrade", "cancel", "sushi"]).await.fails(2);
    world.ctl(&["upgrade", "cancel", "sushi", "-c", "sushi"]).await.fails(2);
    assert_eq!(world.sandbox.count("DELETE", "/pg-version-upgrades/current"), 1, "only the first");
    world.ctl(&["upgrade", "cancel", "sushi", "-c", ADDON]).await.ok();

    for (code, said) in [(400, "cannot be upgraded"), (403, "while access to it is revoked")] {
        world.sandbox.fault(status(code, "/pg-version-upgrades")).await.unwrap();
        let refused = world.ctl(&["upgrade", "execute", "sushi", "-c", ADDON]).await.fails(6);
        assert!(refused.contains(said), "{code}: {refused}");
    }
    world.finish().await;
}

#[tokio::test]
async fn whatever_the_service_answers_the_authorization_goes() {
    let world = World::new().await;
    let table = [(401, 5), (403, 6), (404, 4), (422, 6), (423, 6), (429, 6), (500, 1)];
    for (code, exit) in table {
        world.sandbox.fault(status(code, "/heroku/resources")).await.unwrap();
        let refused = world.ctl(&["users", "sushi"]).await.fails(exit);
        assert!(refused.contains(ADDON), "{code}: {refused}");
    }
    assert_eq!(world.sandbox.count("POST", "/oauth/authorizations"), table.len());
    world.nothing_left().await;

    // Also when the one who asked is gone in the middle.
    let hang = Fault::Hang { times: 1, path: Some("/db-users".to_owned()) };
    world.sandbox.fault(hang).await.unwrap();
    let mut asking = world.ctl_command(&["users", "sushi"]).spawn().unwrap();
    world
        .until("the service is asked", || async {
            world.sandbox.count("GET", "/db-users") == table.len() + 1
        })
        .await;
    signal(&mut asking, "KILL").await;
    world.finish().await;
}
