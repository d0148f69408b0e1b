//! Others on the same machine: users, and web pages in the user's browser.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{Said, World, run};

async fn curl(world: &World, args: &[&str]) -> Said {
    let mut curl = world.command("curl");
    curl.args(["-s", "-w", "\n%{http_code}", "--max-time", "10", "--unix-socket"]);
    curl.arg(world.var("BOREALIS_SOCKET")).args(args);
    run(curl).await
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that could not do its work says so")]
async fn another_user_cannot_speak_to_the_control_socket() {
    let world = World::new().await;
    world.up(&["sushi/DATABASE"]).await;
    let socket = world.var("BOREALIS_SOCKET").to_owned();
    if !rustix::process::geteuid().is_root() {
        // Becoming another user takes root, which containers and CI are.
        eprintln!("not root: there is no second user to try with");
        return world.finish().await;
    }
    // First as things are: the directory keeps them out. Then with all doors open, so that only
    // the check of the caller is left.
    for open in [false, true] {
        if open {
            for path in Path::new(&socket).ancestors().take_while(|path| *path != Path::new("/tmp"))
            {
                if path.starts_with(world.sandbox.dir()) || path == Path::new(&socket) {
                    std::fs::set_permissions(path, PermissionsExt::from_mode(0o777)).unwrap();
                }
            }
        }
        let mut curl = world.command("setpriv");
        curl.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        curl.args(["curl", "-s", "--max-time", "10", "--unix-socket", &socket]);
        curl.arg("http://localhost/v1/sessions");
        let said = run(curl).await;
        assert_ne!(said.code, Some(0), "{said:?}");
        assert_eq!(said.out, "");
    }
    let log = std::fs::read_to_string(world.state_dir().join("borealisd.log")).unwrap();
    assert!(log.contains("refused a caller"), "{log}");
    assert_eq!(world.ls().await.len(), 1, "the daemon serves on");
    world.finish().await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
#[expect(clippy::print_stderr, reason = "a test that could not do its work says so")]
async fn another_user_is_no_guest_at_an_endpoint() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    if !rustix::process::geteuid().is_root() {
        eprintln!("not root: there is no second user to try with");
        return world.finish().await;
    }
    assert_eq!(world.psql(&session, "select 1").await.ok(), "1");
    let channels = world.status("sushi/DATABASE").await.connections.total;
    let url = world.ctl(&["url", "sushi/DATABASE"]).await.ok();
    for sslmode in ["disable", "prefer"] {
        let mut psql = world.command("setpriv");
        psql.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "psql", "-X", "-c"]);
        psql.args(["select 1", &format!("{url}?sslmode={sslmode}")]).current_dir("/");
        let error = run(psql).await.fails(2);
        assert!(error.contains("user 65534's"), "{error}");
    }
    assert_eq!(world.status("sushi/DATABASE").await.connections.total, channels + 2);
    let log = std::fs::read_to_string(world.state_dir().join("borealisd.log")).unwrap();
    assert!(log.contains("a guest was turned away"), "{log}");
    world.finish().await;
}

#[tokio::test]
async fn a_web_page_cannot_speak_to_the_control_socket() {
    let world = World::new().await;
    world.up(&["sushi/DATABASE"]).await;
    let url = "http://localhost/v1/sessions";
    assert!(curl(&world, &[url]).await.ok().ends_with("200"));
    for args in [
        &["-H", "Origin: http://evil.test", url][..],
        &["-H", "Referer: http://evil.test/", url],
        &["-H", "Sec-Fetch-Site: cross-site", url],
        &["-H", "Host: evil.test", url],
        &["-X", "POST", "-H", "Content-Type: text/plain", "-d", "{\"target\":\"a/b\"}", url],
    ] {
        let said = curl(&world, args).await.ok();
        let (body, status) = said.rsplit_once('\n').unwrap();
        assert!(matches!(status, "400" | "403" | "415" | "421"), "{args:?}: {said}");
        assert!(body.contains("\"error\""), "{args:?}: {said}");
    }
    world.finish().await;
}

#[tokio::test]
async fn noise_at_an_endpoint_opens_no_channel() {
    let world = World::new().await;
    let session = world.up(&["sushi/DATABASE"]).await;
    world
        .until("the path is proved", || async {
            world.status("sushi/DATABASE").await.proved_at.is_some()
        })
        .await;
    let url = format!("http://127.0.0.1:{}/", session.endpoint.port);
    let mut post = world.command("curl");
    post.args(["-s", "--max-time", "10", "-d", "x", &url]);
    assert_ne!(run(post).await.code, Some(0));
    let now = world.status("sushi/DATABASE").await;
    assert_eq!((now.connections.total, now.connections.open), (1, 0));
    assert_eq!(now.bytes.sent, 0, "nothing went to Postgres");
    world.finish().await;
}
