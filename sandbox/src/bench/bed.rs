//! A sandbox with every way to it open: the peers' processes, our daemon and its sessions.

use std::time::Duration;

use serde_json::Value;
use tokio::process::Child;

use super::Error;
use super::client::{Programs, finish};
use super::far_end::FarEnd;
use super::peers::{Login, free_port};
use super::way::Way;
use crate::fault::Fault;
use crate::options::Options;
use crate::sandbox::{Personal, Sandbox};

/// The app whose session goes to Postgres, and the one whose session goes to the far end.
pub(super) const POSTGRES: &str = "sushi/DATABASE";
const FAR_END: &str = "udon/DATABASE";
/// Their add-ons' database at the former.
const ADDON: &str = "borealis-pg-hex-12345";
/// Apps beside the usual ones, `app-1` and so on: each is a tunnel of its own.
pub(super) const MORE_APPS: usize = 98;
/// The long way's round trip.
pub(super) const ROUND_TRIP: Duration = Duration::from_millis(80);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Postgres,
    FarEnd,
}

pub(super) struct Bed {
    sandbox: Sandbox,
    pub(super) programs: Programs,
    pub(super) login: Login,
    pub(super) personal: Personal,
    far_end: FarEnd,
    ssh: Peer,
    gcm: Peer,
    /// Ports of our two sessions.
    ours: [u16; 2],
}

/// An `ssh` that forwards to both goals.
struct Peer {
    child: Child,
    ports: [u16; 2],
}

impl Bed {
    /// Nothing lies between the clients and sshd.
    pub(super) async fn near() -> Result<Self, Error> {
        let options = Options { straight: true, more_apps: 1, ..Options::default() };
        Self::set_up(options, Duration::ZERO).await
    }

    /// The same, with many add-ons.
    pub(super) async fn many() -> Result<Self, Error> {
        let options = Options { straight: true, more_apps: MORE_APPS, ..Options::default() };
        Self::set_up(options, Duration::ZERO).await
    }

    /// A relay lies between them, and takes its time.
    pub(super) async fn far() -> Result<Self, Error> {
        Self::set_up(Options::default(), ROUND_TRIP).await
    }

    async fn set_up(options: Options, round_trip: Duration) -> Result<Self, Error> {
        let far_end = FarEnd::start().await.map_err(Error::io("start the far end"))?;
        let options = Options { elsewhere: Some(far_end.port()), ..options };
        let sandbox = Sandbox::start(options).await?;
        if !round_trip.is_zero() {
            // Before anybody connects: the way is as long as it is from the first packet on.
            let ms = u64::try_from(round_trip.as_millis()).unwrap_or_default();
            sandbox.fault(Fault::Delay { ms }).await?;
        }
        let personal = sandbox.personal(ADDON).await?;
        let login = Login::write(sandbox.dir(), &personal)?;
        let goals = [personal.port, far_end.port()];
        let ssh = Peer::start(&login, None, goals).await?;
        let gcm = Peer::start(&login, Some("aes128-gcm@openssh.com"), goals).await?;
        let programs = Programs::beside_us(sandbox.environment(), sandbox.dir())?;
        let mut bed = Self { sandbox, programs, login, personal, far_end, ssh, gcm, ours: [0; 2] };
        bed.ours = [bed.up(&[POSTGRES, "-w"]).await?, bed.up(&[FAR_END]).await?];
        Ok(bed)
    }

    /// Opens a session; its port.
    pub(super) async fn up(&self, args: &[&str]) -> Result<u16, Error> {
        let (said, _) = finish(self.programs.ctl(&[&["up", "--json"], args].concat())).await?;
        let port = number(&said, "/endpoint/port").and_then(|port| port.try_into().ok());
        port.ok_or_else(|| Error::Wrong(format!("`up` said {said}")))
    }

    /// Where a way to a goal begins.
    pub(super) fn port(&self, way: Way, goal: Goal) -> u16 {
        let [postgres, far_end] = match way {
            Way::Direct => [self.personal.port, self.far_end.port()],
            Way::Ssh => self.ssh.ports,
            Way::SshGcm => self.gcm.ports,
            Way::Ours => self.ours,
        };
        match goal {
            Goal::Postgres => postgres,
            Goal::FarEnd => far_end,
        }
    }

    /// The process that is the way, if there is one.
    pub(super) async fn process(&self, way: Way) -> Result<Option<u32>, Error> {
        match way {
            Way::Direct => Ok(None),
            Way::Ssh => Ok(self.ssh.child.id()),
            Way::SshGcm => Ok(self.gcm.child.id()),
            Way::Ours => self.daemon().await.map(Some),
        }
    }

    /// Our daemon's process.
    pub(super) async fn daemon(&self) -> Result<u32, Error> {
        let (said, _) = finish(self.programs.ctl(&["daemon", "status", "--json"])).await?;
        let pid = number(&said, "/pid").and_then(|pid| pid.try_into().ok());
        pid.ok_or_else(|| Error::Wrong(format!("`daemon status` said {said}")))
    }

    /// A program that finds our Postgres at this port by libpq's variables.
    pub(super) fn libpq(&self, program: &str, port: u16) -> tokio::process::Command {
        let mut command = self.programs.command(program);
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", port.to_string())
            .env("PGUSER", &self.personal.user)
            .env("PGPASSWORD", &self.personal.password)
            .env("PGDATABASE", &self.personal.database)
            // The tunnel is the encryption; TLS inside it would measure TLS.
            .env("PGSSLMODE", "disable")
            .env("PGGSSENCMODE", "disable");
        command
    }

    /// `psql -c`, which prints bare values.
    pub(super) fn psql(&self, port: u16, sql: &str) -> tokio::process::Command {
        let mut command = self.libpq("psql", port);
        command.args(["-X", "-A", "-t", "-q", "-c", sql]);
        command
    }

    /// A further `ssh` to Postgres, and where it listens.
    pub(super) async fn fresh_ssh(&self) -> Result<(Child, u16), Error> {
        let port = free_port().await?;
        let child = self.login.forward(None, &[(port, self.personal.port)]).await?;
        Ok((child, port))
    }

    pub(super) async fn finish(self) -> Result<(), Error> {
        finish(self.programs.ctl(&["daemon", "stop"])).await?;
        drop((self.ssh, self.gcm));
        Ok(self.sandbox.stop().await?)
    }
}

/// What stands at a place of a JSON text.
fn number(json: &str, pointer: &str) -> Option<u64> {
    serde_json::from_str::<Value>(json).ok()?.pointer(pointer)?.as_u64()
}

impl Peer {
    async fn start(
        login: &Login,
        cipher: Option<&str>,
        [postgres, far_end]: [u16; 2],
    ) -> Result<Self, Error> {
        let ports = [free_port().await?, free_port().await?];
        let [first, second] = ports;
        let child = login.forward(cipher, &[(first, postgres), (second, far_end)]).await?;
        Ok(Self { child, ports })
    }
}
