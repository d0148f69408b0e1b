use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::listener::{ListenError, Listener};
use super::serve::{Stand, serve_router};
use crate::platform::{Beat, DaemonLock};

struct Home {
    dir: tempfile::TempDir,
    lock: Arc<DaemonLock>,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    let lock = DaemonLock::acquire(&dir.path().join("borealisd.lock")).unwrap();
    Home { dir, lock: Arc::new(lock) }
}

impl Home {
    fn socket(&self) -> std::path::PathBuf {
        self.dir.path().join("run/borealisd.sock")
    }
}

#[tokio::test]
async fn the_socket_is_ours_alone_and_gone_after_the_stop() {
    let home = home();
    let path = home.socket();
    let listener = Listener::bind(&path, &home.lock).await.unwrap();
    let found = std::fs::symlink_metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let dir = std::fs::metadata(path.parent().unwrap()).unwrap();
    assert_eq!(dir.permissions().mode() & 0o777, 0o700);

    let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
    let router = Router::new().route("/", get(|| async { "fine" }));
    let stand = Stand {
        lock: home.lock.clone(),
        beat: Beat::start(),
        leave: cancel.clone(),
        cancel: cancel.clone(),
        tasks: tasks.clone(),
    };
    let serving = serve_router(listener, router, stand);
    let asking = async {
        let mut client = UnixStream::connect(&path).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("fine"), "{answer}");
        cancel.cancel();
    };
    tokio::join!(serving, asking);
    tasks.close();
    tasks.wait().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_was_removed_is_bound_again_and_anothers_is_left_alone() {
    let home = home();
    let path = home.socket();
    let mut listener = Listener::bind(&path, &home.lock).await.unwrap();
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    listener.renew(&home.lock).await.unwrap();
    let caller = UnixStream::connect(&path);
    let (caller, accepted) = tokio::join!(caller, listener.accept());
    assert!(caller.is_ok() && accepted.is_ok());

    std::fs::remove_file(&path).unwrap();
    let _another = UnixListener::bind(&path).unwrap();
    let error = listener.renew(&home.lock).await.unwrap_err();
    assert!(matches!(error, ListenError::InUse { .. }), "{error}");
    listener.leave();
    assert!(path.exists(), "it is the other's");
}

#[tokio::test]
async fn what_a_killed_daemon_left_is_removed() {
    let home = home();
    let path = home.socket();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "a closed listener leaves its file");
    drop(Listener::bind(&path, &home.lock).await.unwrap());
}

#[tokio::test]
async fn a_living_listener_is_left_alone() {
    let home = home();
    let path = home.socket();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let _living = UnixListener::bind(&path).unwrap();
    let error = Listener::bind(&path, &home.lock).await.unwrap_err();
    assert!(matches!(error, ListenError::InUse { .. }), "{error}");
    assert!(path.exists());
}

#[tokio::test]
async fn a_file_in_its_place_is_left_alone() {
    let home = home();
    let path = home.socket();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "precious").unwrap();
    let error = Listener::bind(&path, &home.lock).await.unwrap_err();
    assert!(matches!(error, ListenError::NotASocket { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn a_link_or_a_directory_in_its_place_is_left_alone() {
    let home = home();
    let path = home.socket();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let elsewhere = home.dir.path().join("elsewhere.sock");
    drop(UnixListener::bind(&elsewhere).unwrap());
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let error = Listener::bind(&path, &home.lock).await.unwrap_err();
    assert!(matches!(error, ListenError::NotASocket { .. }), "{error}");
    assert!(elsewhere.exists() && path.is_symlink());
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let error = Listener::bind(&path, &home.lock).await.unwrap_err();
    assert!(matches!(error, ListenError::NotASocket { .. }), "{error}");
    assert!(path.is_dir());
}

/// More than there are places, and none of them says a word.
#[tokio::test(start_paused = true)]
async fn a_flood_of_callers_is_outlived() {
    let home = home();
    let path = home.socket();
    let listener = Listener::bind(&path, &home.lock).await.unwrap();
    let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
    let router = Router::new().route("/", get(|| async { "fine" }));
    let stand = Stand {
        lock: home.lock.clone(),
        beat: Beat::start(),
        leave: cancel.clone(),
        cancel: cancel.clone(),
        tasks: tasks.clone(),
    };
    let serving = serve_router(listener, router, stand);
    let asking = async {
        let mut silent = Vec::new();
        for _ in 0..300 {
            silent.push(UnixStream::connect(&path).await.unwrap());
        }
        let mut client = UnixStream::connect(&path).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("fine"), "{answer}");
        cancel.cancel();
    };
    tokio::join!(serving, asking);
    tasks.close();
    tasks.wait().await;
}
