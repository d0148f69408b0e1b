use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::listener::Listener;
use super::serve::{Stand, serve_router};
use crate::platform::{Beat, DaemonLock};

/// Between two instances a pipe is busy.
async fn connect(name: &Path) -> NamedPipeClient {
    const PIPE_BUSY: i32 = 231;
    loop {
        match ClientOptions::new().open(name) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => tokio::task::yield_now().await,
            opened => return opened.unwrap(),
        }
    }
}

#[tokio::test]
async fn the_pipe_answers_us_time_and_again() {
    let home = tempfile::tempdir().unwrap();
    let lock = DaemonLock::acquire(&home.path().join("borealisd.lock")).unwrap();
    let name = PathBuf::from(format!(r"\\.\pipe\borealisd-test-{}", std::process::id()));
    let listener = Listener::bind(&name, &lock).await.unwrap();

    let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
    let router = Router::new().route("/", get(|| async { "fine" }));
    let lock = Arc::new(lock);
    let stand = Stand {
        lock,
        beat: Beat::start(),
        leave: cancel.clone(),
        cancel: cancel.clone(),
        tasks: tasks.clone(),
    };
    let serving = serve_router(listener, router, stand);
    let asking = async {
        for _ in 0..3 {
            let mut client = connect(&name).await;
            client.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("fine"), "{answer}");
        }
        cancel.cancel();
    };
    tokio::join!(serving, asking);
    tasks.close();
    tasks.wait().await;
}
