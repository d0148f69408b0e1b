//! `ssh -N -L`, as people run it by hand.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::Error;
use crate::keys::KeyPair;
use crate::sandbox::Personal;

/// Between looks at whether it listens.
const LOOK: Duration = Duration::from_millis(2);
/// Until it does.
const PATIENCE: Duration = Duration::from_secs(20);

/// What any `ssh` of the benchmark needs to log in.
pub(super) struct Login {
    user: String,
    port: u16,
    key: PathBuf,
    known_hosts: PathBuf,
}

impl Login {
    /// Writes the key and the host key into `dir`.
    pub(super) fn write(dir: &Path, personal: &Personal) -> Result<Self, Error> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let Personal { ssh_user, ssh_port, ssh_key: KeyPair { private, .. }, host_key, .. } =
            personal;
        let (key, known_hosts) = (dir.join("bench_key"), dir.join("bench_known_hosts"));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options
            .open(&key)
            .and_then(|mut file| file.write_all(private.as_bytes()))
            .map_err(Error::io("write the key for ssh"))?;
        std::fs::write(&known_hosts, format!("[127.0.0.1]:{ssh_port} {host_key}\n"))
            .map_err(Error::io("write the host key for ssh"))?;
        Ok(Self { user: ssh_user.clone(), port: *ssh_port, key, known_hosts })
    }

    /// Starts one that forwards each of `forwards` (a port here, a port there), and waits until it
    /// listens. `cipher`: another than ssh's default.
    pub(super) async fn forward(
        &self,
        cipher: Option<&str>,
        forwards: &[(u16, u16)],
    ) -> Result<Child, Error> {
        let mut command = Command::new("ssh");
        command.args(["-N", "-F", "none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]);
        command.args(["-o", "ExitOnForwardFailure=yes", "-o", "StrictHostKeyChecking=yes"]);
        command.arg("-o").arg(format!("UserKnownHostsFile={}", self.known_hosts.display()));
        command.arg("-i").arg(&self.key);
        command.arg("-p").arg(self.port.to_string());
        if let Some(cipher) = cipher {
            command.args(["-c", cipher]);
        }
        for (here, there) in forwards {
            command.arg("-L").arg(format!("127.0.0.1:{here}:127.0.0.1:{there}"));
        }
        command.arg(format!("{}@127.0.0.1", self.user));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.kill_on_drop(true).spawn().map_err(Error::io("run ssh"))?;
        let listening = forwards.first().map_or(0, |(here, _)| *here);
        until_listening(listening).await?;
        Ok(child)
    }
}

/// Port 0 never does.
async fn until_listening(port: u16) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    // Without a connection: that would open a channel, which the measurement has not asked for.
    while !listens(port)? {
        if Instant::now() > deadline {
            return Err(Error::Wrong("ssh does not listen".to_owned()));
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// By the system's table; `0A` is the state of a listener.
fn listens(port: u16) -> Result<bool, Error> {
    let table =
        std::fs::read_to_string("/proc/net/tcp").map_err(Error::io("read the table of sockets"))?;
    let address = format!("0100007F:{port:04X}");
    let listener = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(1) == Some(&address.as_str()) && fields.get(3) == Some(&"0A")
    };
    Ok(table.lines().any(listener))
}

/// A port that is free now.
pub(super) async fn free_port() -> Result<u16, Error> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
    let port = listener.and_then(|listener| listener.local_addr()).map(|address| address.port());
    port.map_err(Error::io("find a free port"))
}

/// A connection with small packets sent at once.
pub(super) async fn connect(port: u16) -> Result<TcpStream, Error> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(Error::io("connect"))?;
    stream.set_nodelay(true).map_err(Error::io("set up a connection"))?;
    Ok(stream)
}
