//! A daemon that only knows its lines: answers by method and path, and a note of what was asked.
//! What a daemon really does is tested on the real one.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use borealis_proto::{Credentials, Session, SessionList, TWO_FACTOR_HEADER};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, server::conn::http1};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub line: String,
    pub heroku_key: Option<String>,
    pub second_factor: Option<String>,
    pub body: String,
}

/// The daemon, its directory, and its thread, all gone on drop.
pub struct Fake {
    dir: TempDir,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// What a path is answered with.
#[derive(Clone)]
struct Line {
    status: u16,
    body: String,
    /// The answer does not end.
    open: bool,
}

impl Line {
    /// Also the one line of a stream.
    fn json(status: u16, body: &impl Serialize) -> Self {
        Self { status, body: serde_json::to_string(body).unwrap() + "\n", open: false }
    }
}

/// The answers of a fake.
#[derive(Clone)]
pub struct Script {
    lines: HashMap<String, Line>,
    /// These, until a client has handed over the code.
    before_code: HashMap<String, Line>,
    code: &'static str,
    api: &'static str,
}

impl Script {
    /// Only these sessions.
    pub fn with_sessions(sessions: &[Session]) -> Self {
        let list = SessionList { version: 1, sessions: sessions.to_vec() };
        let nothing =
            Self { lines: HashMap::new(), before_code: HashMap::new(), code: "", api: "1" };
        let mut script = nothing.on("GET /v1/sessions", 200, &list).on(
            "GET /v1/daemon",
            200,
            &super::daemon(None),
        );
        for session in sessions {
            let path = format!("/v1/sessions/{}", session.id);
            let credentials = Credentials {
                endpoint: session.endpoint.clone(),
                database: "d 1".into(),
                user: "p_ro_ab12".into(),
                password: "it's/p@ss".into(),
            };
            script = script
                .on(&format!("GET {path}/credentials"), 200, &credentials)
                .on(&format!("DELETE {path}"), 200, session)
                .open_ended(&format!("GET {path}/hold"), "");
        }
        script
    }

    pub fn on(mut self, line: &str, status: u16, body: &impl Serialize) -> Self {
        self.lines.insert(line.to_owned(), Line::json(status, body));
        self
    }

    pub fn text(mut self, line: &str, body: &str) -> Self {
        self.lines.insert(line.to_owned(), Line { status: 200, body: body.into(), open: false });
        self
    }

    /// An answer that begins like this and does not end.
    pub fn open_ended(mut self, line: &str, start: &str) -> Self {
        let answer = Line { status: 200, body: start.into(), open: true };
        self.lines.insert(line.to_owned(), answer);
        self
    }

    /// Another answer, for as long as nobody has handed over this second factor.
    pub fn before_code(
        mut self,
        code: &'static str,
        line: &str,
        status: u16,
        body: &impl Serialize,
    ) -> Self {
        self.before_code.insert(line.to_owned(), Line::json(status, body));
        self.code = code;
        self
    }

    pub fn speaking(mut self, api: &'static str) -> Self {
        self.api = api;
        self
    }

    fn answer(&self, line: &str, codes: &[String]) -> Line {
        let missing = || Line {
            status: 404,
            body: r#"{"error":{"code":"no_such_route","message":"no such path"},"request_id":"r"}"#
                .to_owned(),
            open: false,
        };
        let asked_for = self.before_code.get(line);
        let asked_for = asked_for.filter(|_| !codes.iter().any(|code| code == self.code));
        asked_for.or(self.lines.get(line)).cloned().unwrap_or_else(missing)
    }
}

impl Fake {
    pub fn start(script: Script) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = {
            let _inside = runtime.enter();
            UnixListener::bind(dir.path().join("borealisd.sock")).unwrap()
        };
        let (asked, stop) = (Arc::default(), CancellationToken::new());
        let serving = serve(listener, script, Arc::clone(&asked));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(stopped.run_until_cancelled(serving));
        });
        Self { dir, asked, stop, thread: Some(thread) }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `borealisctl`, told to use this daemon and nothing of the machine.
    pub fn command(&self, args: &[&str]) -> Command {
        command(self.dir(), args)
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        self.command(args).output().unwrap().into()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Until a request has come.
    pub fn wait_for(&self, line: &str) {
        while !self.asked_lines().iter().any(|asked| asked == line) {
            std::thread::yield_now();
        }
    }

    pub fn asked_lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.cancel();
        self.thread.take().map(JoinHandle::join);
    }
}

/// `borealisctl` with its socket and state in a directory.
pub fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_borealisctl"));
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("BOREALIS_SOCKET", dir.join("borealisd.sock"));
    command.env("BOREALIS_STATE_DIR", dir).env("BOREALIS_CONFIG", dir.join("config.toml"));
    command.env("BOREALISD", "/nonexistent/borealisd").env("HOME", dir).current_dir(dir);
    command
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// An executable script.
pub fn script(path: PathBuf, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

async fn serve(listener: UnixListener, script: Script, asked: Arc<Mutex<Vec<Asked>>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (script, asked) = (script.clone(), Arc::clone(&asked));
        connections.spawn(async move {
            let service = service_fn(|request| answer(&script, &asked, request));
            // A client that leaves early is what some tests are about.
            let _left = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Body = BoxBody<Bytes, Infallible>;

async fn answer(
    script: &Script,
    asked: &Mutex<Vec<Asked>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, hyper::Error> {
    let line = format!("{} {}", request.method(), request.uri().path());
    let header = |name| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
    let (heroku_key, second_factor) = (header("heroku-api-key"), header(TWO_FACTOR_HEADER));
    assert_eq!(request.headers()["borealis-api"], "1");
    let body = request.into_body().collect().await?.to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let codes: Vec<String> = {
        let mut asked = asked.lock().unwrap();
        asked.push(Asked { line: line.clone(), heroku_key, second_factor, body });
        asked.iter().filter_map(|asked| asked.second_factor.clone()).collect()
    };
    let Line { status, body, open } = script.answer(&line, &codes);
    let body = if open {
        let start = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(body)))]);
        BodyExt::boxed(StreamBody::new(start.chain(stream::pending())))
    } else {
        Full::new(Bytes::from(body)).boxed()
    };
    let response = Response::builder().status(status).header("borealis-api", script.api);
    let response = response.header("request-id", "id-of-the-fake");
    Ok(response.body(body).unwrap())
}
