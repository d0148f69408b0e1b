//! What all tests of links need: a server, a link to it, and somebody behind it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use borealisd::credentials::SshCredentials;
use borealisd::ssh::SshConnector;
use borealisd::tasks::Tasks;
use borealisd::tunnel::{Channel, ConnectError, Connector, Link, Read};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::support::PATIENCE;
use crate::support::sshd::{Sshd, UserKey};

/// What "at once" means on a busy machine.
pub(crate) const PROMPT: Duration = Duration::from_secs(2);

/// An sshd, a key that it takes, and a connector.
pub(crate) struct Bench {
    pub(crate) sshd: Sshd,
    pub(crate) key: UserKey,
    pub(crate) connector: SshConnector,
    pub(crate) tracker: TaskTracker,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// Lines that the server's settings begin with.
    pub(crate) async fn with(settings: &[&str]) -> Self {
        let sshd = Sshd::start_with("ed25519", settings).await;
        let key = sshd.new_user_key(&["-t", "ed25519"]);
        let tracker = TaskTracker::new();
        let connector = SshConnector::new(Tasks::new(&tracker));
        Self { sshd, key, connector, tracker }
    }

    pub(crate) async fn connect(&self) -> Arc<dyn Link> {
        self.connect_with(self.sshd.credentials(&self.key)).await.unwrap()
    }

    pub(crate) async fn connect_with(
        &self,
        credentials: Arc<SshCredentials>,
    ) -> Result<Arc<dyn Link>, ConnectError> {
        timeout(PATIENCE, self.connector.connect(credentials)).await.unwrap()
    }

    /// The credentials, for another server that has this host key.
    pub(crate) fn credentials_at(&self, port: u16, host_key: String) -> Arc<SshCredentials> {
        let mut credentials = self.sshd.credentials_with(self.key.private(), host_key);
        Arc::get_mut(&mut credentials).unwrap().port = port;
        credentials
    }

    /// Nothing is left over.
    pub(crate) async fn no_task_left(&self) {
        self.tracker.close();
        timeout(PATIENCE, self.tracker.wait()).await.unwrap();
    }
}

/// Serves each connection on a port of its own with `serve`.
pub(crate) async fn listener<F: Future<Output = ()> + Send + 'static>(
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

pub(crate) async fn echo(mut stream: TcpStream) {
    let (mut reader, mut writer) = stream.split();
    tokio::io::copy(&mut reader, &mut writer).await.unwrap();
    writer.shutdown().await.unwrap();
}

pub(crate) async fn read_to_eof(channel: &mut Channel) -> (Vec<u8>, Read) {
    let (mut all, mut batch) = (Vec::new(), Vec::new());
    loop {
        let read = timeout(PATIENCE, channel.reader.read(&mut batch)).await.unwrap();
        all.extend(batch.drain(..).flatten());
        if read != Read::Data {
            return (all, read);
        }
    }
}

pub(crate) async fn next_read(channel: &mut Channel) -> Read {
    timeout(PATIENCE, channel.reader.read(&mut Vec::new())).await.unwrap()
}

pub(crate) fn pattern(length: usize) -> Bytes {
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

/// A server that says when a caller has hung up.
pub(crate) async fn tells_when_hung_up(
    others: &TaskTracker,
) -> (u16, tokio::sync::mpsc::Receiver<()>) {
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

/// Sends so much to somebody who says it back, and compares.
pub(crate) async fn there_and_back(link: &dyn Link, port: u16, sent: Bytes) {
    let Channel { mut reader, mut writer, .. } = link.open("127.0.0.1", port).await.unwrap();
    let mut rest = sent.clone();
    let upload = async {
        while !rest.is_empty() {
            writer.write(rest.split_to(rest.len().min(100_000))).await.unwrap();
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
    let ((), (received, read)) = tokio::join!(upload, download);
    assert_eq!(read, Read::Eof);
    assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
}
