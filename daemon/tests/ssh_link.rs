//! The link against a real OpenSSH server.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod support;

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use borealisd::credentials::SshCredentials;
use borealisd::ssh::SshConnector;
use borealisd::tasks::Tasks;
use borealisd::tunnel::{Channel, ConnectError, Connector, Link, LinkEnd, OpenError, Read};
use bytes::{Bytes, BytesMut};
use russh::keys::{Algorithm, PrivateKey};
use russh::server;
use support::sshd::{Sshd, UserKey};
use support::{PATIENCE, free_port, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

/// What "at once" means on a busy machine.
const PROMPT: Duration = Duration::from_secs(2);

/// An sshd, a key that it takes, and a connector.
struct Bench {
    sshd: Sshd,
    key: UserKey,
    connector: SshConnector,
    tracker: TaskTracker,
}

impl Bench {
    async fn new() -> Self {
        let sshd = Sshd::start("ed25519").await;
        let key = sshd.new_user_key(&["-t", "ed25519"]);
        let tracker = TaskTracker::new();
        let connector = SshConnector::new(Tasks::new(&tracker));
        Self { sshd, key, connector, tracker }
    }

    async fn connect(&self) -> Arc<dyn Link> {
        self.connect_with(self.sshd.credentials(&self.key)).await.unwrap()
    }

    async fn connect_with(
        &self,
        credentials: Arc<SshCredentials>,
    ) -> Result<Arc<dyn Link>, ConnectError> {
        timeout(PATIENCE, self.connector.connect(credentials)).await.unwrap()
    }

    /// Nothing is left over.
    async fn no_task_left(&self) {
        self.tracker.close();
        timeout(PATIENCE, self.tracker.wait()).await.unwrap();
    }
}

/// Serves each connection on a port of its own with `serve`.
async fn listener<F: Future<Output = ()> + Send + 'static>(
    tracker: &TaskTracker,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tasks = tracker.clone();
    tracker.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tasks.spawn(serve(stream));
        }
    });
    port
}

async fn echo(mut stream: TcpStream) {
    let (mut reader, mut writer) = stream.split();
    tokio::io::copy(&mut reader, &mut writer).await.unwrap();
    writer.shutdown().await.unwrap();
}

async fn read_to_eof(channel: &mut Channel) -> (Vec<u8>, Read) {
    let (mut all, mut batch) = (Vec::new(), Vec::new());
    loop {
        let read = timeout(PATIENCE, channel.reader.read(&mut batch)).await.unwrap();
        all.extend(batch.drain(..).flatten());
        if read != Read::Data {
            return (all, read);
        }
    }
}

async fn next_read(channel: &mut Channel) -> Read {
    timeout(PATIENCE, channel.reader.read(&mut Vec::new())).await.unwrap()
}

fn pattern(length: usize) -> Bytes {
    let mut bytes = BytesMut::with_capacity(length + 4);
    for number in 0_u32.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend_from_slice(&number.wrapping_mul(2_654_435_761).to_le_bytes());
    }
    bytes.truncate(length);
    bytes.freeze()
}

#[tokio::test]
async fn sixty_four_megabytes_come_back_byte_for_byte() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, echo).await;
    let link = bench.connect().await;
    let Channel { mut reader, mut writer, .. } = link.open("127.0.0.1", port).await.unwrap();
    let sent = pattern(64 << 20);

    let upload = async {
        let mut rest = sent.clone();
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(100_000));
            writer.write(piece).await.unwrap();
        }
        writer.finish().await.unwrap();
    };
    let download = async {
        let (mut all, mut batch) = (BytesMut::with_capacity(sent.len()), Vec::new());
        loop {
            let read = reader.read(&mut batch).await;
            batch.drain(..).for_each(|piece: Bytes| all.extend_from_slice(&piece));
            if read != Read::Data {
                return (all, read);
            }
        }
    };
    let ((), (received, read)) =
        timeout(PATIENCE, async { tokio::join!(upload, download) }).await.unwrap();

    assert_eq!(read, Read::Eof);
    assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
}

#[tokio::test]
async fn the_other_direction_stays_open_after_an_end_of_file() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, |mut stream: TcpStream| async move {
        let mut asked = String::new();
        stream.read_to_string(&mut asked).await.unwrap();
        stream.write_all(format!("you said {asked}").as_bytes()).await.unwrap();
    })
    .await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();

    channel.writer.write(Bytes::from_static(b"hello")).await.unwrap();
    channel.writer.finish().await.unwrap();

    assert_eq!(read_to_eof(&mut channel).await, (b"you said hello".to_vec(), Read::Eof));
    assert_eq!(next_read(&mut channel).await, Read::Lost);
}

#[tokio::test]
async fn another_host_key_is_turned_away_before_anything_is_sent() {
    for other_type in ["ed25519", "ecdsa"] {
        let mut bench = Bench::new().await;
        let announced = Sshd::start(other_type).await.host_key();
        let credentials = bench.sshd.credentials_with(bench.key.private(), announced);

        let error = bench.connect_with(credentials).await.err().unwrap();

        let ConnectError::HostKeyChanged { pinned, presented, .. } = error else {
            panic!("{error}")
        };
        assert_ne!(pinned, presented);
        assert!(pinned.starts_with("SHA256:"), "{pinned}");
        let shown = presented.starts_with("SHA256:") || presented.contains("ssh-ed25519");
        assert!(shown, "{presented}");
        bench.sshd.logged("do_cleanup").await;
        let log = bench.sshd.log();
        assert!(!log.contains("userauth-request"), "{log}");
        // A login would have been seen.
        bench.connect().await;
        bench.sshd.logged("userauth-request").await;
    }
}

#[tokio::test]
async fn a_revoked_key_is_a_refused_key() {
    let bench = Bench::new().await;
    bench.sshd.authorize("");
    let error = bench.connect_with(bench.sshd.credentials(&bench.key)).await.err().unwrap();
    assert!(matches!(error, ConnectError::KeyRefused { .. }), "{error}");
}

/// A server that loses its connection while it looks at a key.
struct HangsUp;

impl server::Handler for HangsUp {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        _offer: server::PublicKeyOffer<'_>,
    ) -> Result<server::Auth, russh::Error> {
        Err(russh::Error::Disconnect)
    }
}

#[tokio::test]
async fn a_connection_that_drops_is_no_refused_key() {
    let bench = Bench::new().await;
    let tracker = TaskTracker::new();
    let host_key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
    let announced = host_key.public_key().to_openssh().unwrap();
    let config = server::Config { keys: vec![host_key], ..server::Config::default() };
    let config = Arc::new(config);
    let port = listener(&tracker, move |stream| {
        let config = Arc::clone(&config);
        async move {
            let session = server::run_stream(config, stream, HangsUp).await.unwrap();
            assert!(session.await.is_err());
        }
    })
    .await;
    let mut credentials = bench.sshd.credentials_with(bench.key.private(), announced);
    Arc::get_mut(&mut credentials).unwrap().port = port;

    let error = bench.connect_with(credentials).await.err().unwrap();

    assert!(matches!(error, ConnectError::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let bench = Bench::new().await;
    let mut credentials = bench.sshd.credentials(&bench.key);
    Arc::get_mut(&mut credentials).unwrap().port = free_port();
    let error = bench.connect_with(credentials).await.err().unwrap();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_dropped_attempt_closes_its_connection() {
    let bench = Bench::new().await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut credentials = bench.sshd.credentials(&bench.key);
    Arc::get_mut(&mut credentials).unwrap().port = listener.local_addr().unwrap().port();
    let mut attempt = bench.connector.connect(credentials);

    // A server that greets and then says nothing: the key exchange is under way.
    let (mut peer, _) = tokio::select! {
        accepted = listener.accept() => accepted.unwrap(),
        _ = &mut attempt => panic!("connected to nothing"),
    };
    peer.write_all(b"SSH-2.0-silent\r\n").await.unwrap();
    let mut greeting = [0; 1024];
    let mut seen = 0;
    while !greeting[..seen].contains(&20) {
        seen += tokio::select! {
            read = peer.read(&mut greeting[seen..]) => read.unwrap(),
            _ = &mut attempt => panic!("connected to nothing"),
        };
    }
    drop(attempt);

    let mut rest = Vec::new();
    timeout(PROMPT, peer.read_to_end(&mut rest)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_killed_session_ends_the_link_at_once() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, echo).await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();
    assert!(link.is_alive());

    bench.sshd.kill_sessions();

    let end = timeout(PROMPT, link.ended()).await.unwrap();
    assert!(matches!(end, LinkEnd::Broken(_)), "{end:?}");
    assert_eq!(timeout(PROMPT, link.ended()).await.unwrap(), end);
    assert!(!link.is_alive());
    assert!(!link.probe().await);
    assert_eq!(next_read(&mut channel).await, Read::Lost);
    assert!(channel.writer.write(Bytes::from_static(b"x")).await.is_err());
    assert!(matches!(link.open("127.0.0.1", port).await, Err(OpenError::LinkLost)));
    drop(channel);
    bench.no_task_left().await;
}

#[tokio::test]
async fn a_writer_without_window_ends_with_its_channel() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let (reset, wait) = tokio::sync::watch::channel(false);
    let port = listener(&others, move |stream: TcpStream| {
        let mut wait = wait.clone();
        async move {
            wait.wait_for(|now| *now).await.unwrap();
            drop(stream);
        }
    })
    .await;
    let link = bench.connect().await;
    let Channel { mut writer, reader, .. } = link.open("127.0.0.1", port).await.unwrap();
    let mut stuck = writer.write(pattern(64 << 20));
    assert!(timeout(Duration::from_millis(500), &mut stuck).await.is_err(), "no window ended");

    reset.send(true).unwrap();

    assert!(timeout(PATIENCE, stuck).await.unwrap().is_err());
    assert!(link.is_alive());
    drop((writer, reader));
    timeout(PROMPT, link.idle()).await.unwrap();
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let bench = Bench::new().await;
    let link = bench.connect().await;
    let Err(OpenError::Refused(why)) = link.open("127.0.0.1", free_port()).await else {
        panic!("opened")
    };
    assert!(!why.is_empty());
    assert!(link.is_alive());
    assert_eq!(link.load().channels, 0);
}

/// A server that says when a caller has hung up.
async fn tells_when_hung_up(others: &TaskTracker) -> (u16, tokio::sync::mpsc::Receiver<()>) {
    let (gone, hung_up) = tokio::sync::mpsc::channel(1);
    let port = listener(others, move |mut stream: TcpStream| {
        let gone = gone.clone();
        async move {
            let _ = stream.read_to_end(&mut Vec::new()).await;
            gone.send(()).await.unwrap();
        }
    })
    .await;
    (port, hung_up)
}

#[tokio::test]
async fn dropping_both_halves_closes_the_channel() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let (port, mut hung_up) = tells_when_hung_up(&others).await;
    let link = bench.connect().await;
    let Channel { reader, writer, .. } = link.open("127.0.0.1", port).await.unwrap();
    assert_eq!(link.load().channels, 1);
    drop(reader);
    assert_eq!(link.load().channels, 1);
    // As a runtime does that is going down: from a thread that is not its own.
    std::thread::spawn(move || drop(writer)).join().unwrap();

    timeout(PROMPT, hung_up.recv()).await.unwrap().unwrap();
    assert_eq!(link.load().channels, 0);
    timeout(PROMPT, link.idle()).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_leaves_no_channel() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let (port, mut hung_up) = tells_when_hung_up(&others).await;
    let link = bench.connect().await;
    let mut open = link.open("127.0.0.1", port);
    assert!(futures_util::poll!(&mut open).is_pending());
    drop(open);

    timeout(PROMPT, hung_up.recv()).await.unwrap().unwrap();
    assert_eq!(link.load().channels, 0);
}

#[tokio::test]
async fn a_silent_server_is_found_out() {
    let bench = Bench::new().await;
    let link = bench.connect().await;
    assert!(link.probe().await);
    bench.sshd.freeze_sessions();

    assert!(!timeout(PATIENCE, link.probe()).await.unwrap());

    assert_eq!(timeout(PROMPT, link.ended()).await.unwrap(), LinkEnd::Silent);
}

/// Nobody asks: the question that gets no answer is the client's own.
#[tokio::test]
async fn a_server_that_falls_silent_in_use_is_found_out_long_before_its_keepalive() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, echo).await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();
    bench.sshd.freeze_sessions();
    let frozen = Instant::now();
    channel.writer.write(Bytes::from_static(b"anybody?")).await.unwrap();
    assert_eq!(timeout(PATIENCE, link.ended()).await.unwrap(), LinkEnd::Silent);
    assert!(frozen.elapsed() < Duration::from_secs(20), "{:?}", frozen.elapsed());
}

/// A query may run for long: a server that gives signs of life is waited for.
#[tokio::test]
async fn a_late_answer_is_no_silence() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, |mut stream: TcpStream| async move {
        // The subject of this test.
        tokio::time::sleep(Duration::from_secs(17)).await;
        let _ = stream.write_all(b"late").await;
    })
    .await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();
    channel.writer.write(Bytes::from_static(b"take your time")).await.unwrap();
    assert_eq!(timeout(PATIENCE, next_read(&mut channel)).await.unwrap(), Read::Data);
    assert!(link.is_alive());
    drop(channel);
    link.close().await;
    bench.no_task_left().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_no_dead_link() {
    let bench = Bench::new().await;
    let others = TaskTracker::new();
    let port = listener(&others, |mut stream: TcpStream| async move {
        // As much as there is room for; the other side hangs up in the end.
        while stream.write_all(&[b'x'; 8 << 10]).await.is_ok() {}
    })
    .await;
    let link = bench.connect().await;
    let mut channel = link.open("127.0.0.1", port).await.unwrap();
    assert_eq!(next_read(&mut channel).await, Read::Data);

    // Once everything on the way is full, the question does not even get out.
    let unanswered = async {
        loop {
            let asked = Instant::now();
            assert!(link.probe().await);
            if asked.elapsed() >= Duration::from_secs(5) {
                return;
            }
        }
    };
    timeout(PATIENCE, unanswered).await.unwrap();
    assert!(link.is_alive());

    // Closing does not depend on that client either.
    timeout(PATIENCE, link.close()).await.unwrap();
    assert_eq!(timeout(PROMPT, link.ended()).await.unwrap(), LinkEnd::Closed);
    drop(channel);
    bench.no_task_left().await;
}

#[tokio::test]
async fn closing_says_goodbye() {
    let mut bench = Bench::new().await;
    let link = bench.connect().await;
    // An answer says that sshd has nothing more to write, which our hanging up would break.
    assert!(link.probe().await);
    link.close().await;
    assert_eq!(link.ended().await, LinkEnd::Closed);
    bench.sshd.logged("Received disconnect from").await;
    bench.no_task_left().await;
}

#[tokio::test]
async fn a_link_that_nobody_holds_ends() {
    let mut bench = Bench::new().await;
    drop(bench.connect().await);
    bench.sshd.logged("do_cleanup").await;
    bench.no_task_left().await;
}

#[tokio::test]
async fn every_key_that_the_service_may_hand_out_logs_in() {
    let bench = Bench::new().await;
    let formats = |key: &UserKey, formats: &[&str]| {
        let mut texts = vec![key.private()];
        for format in formats {
            key.convert(format);
            texts.push(key.private());
        }
        texts
    };
    let bits: [&[&str]; 5] = [
        &["-t", "rsa", "-b", "2048"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "ed25519"],
    ];
    for args in bits {
        let key = bench.sshd.new_user_key(args);
        let others: &[&str] = if args.contains(&"ed25519") { &[] } else { &["PEM", "PKCS8"] };
        for text in formats(&key, others) {
            let label = text.lines().next().unwrap().to_owned();
            let credentials = bench.sshd.credentials_with(text, bench.sshd.host_key());
            let link = bench.connect_with(credentials).await;
            link.unwrap_or_else(|error| panic!("{args:?} {label}: {error}")).close().await;
        }
    }
}

#[tokio::test]
async fn ed25519_in_pkcs8_logs_in() {
    let bench = Bench::new().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.pem");
    run(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&path));
    let pem = std::fs::read_to_string(&path).unwrap();
    let public = russh::keys::decode_secret_key(&pem, None).unwrap().public_key().clone();
    bench.sshd.authorize(&public.to_openssh().unwrap());
    let credentials = bench.sshd.credentials_with(pem, bench.sshd.host_key());
    bench.connect_with(credentials).await.unwrap().close().await;
}

#[tokio::test]
async fn every_type_of_host_key_is_pinned() {
    for host_key_type in ["rsa", "ecdsa", "ed25519"] {
        let sshd = Sshd::start(host_key_type).await;
        let key = sshd.new_user_key(&["-t", "ed25519"]);
        let connector = SshConnector::new(Tasks::new(&TaskTracker::new()));
        let link = connector.connect(sshd.credentials(&key)).await;
        link.unwrap_or_else(|error| panic!("{host_key_type}: {error}")).close().await;
    }
}
