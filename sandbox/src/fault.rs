//! What can go wrong, on demand. One type is the library's argument, the command line's
//! subcommand and the admin API's body, so none can do what another cannot.

use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::armed::Answer;
use crate::service::Service;
use crate::world;

/// Something that goes wrong. Each takes effect before the call that asked for it returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Reset all SSH connections now
    Cut,
    /// Pass no more bytes either way; connections stay open, new ones are silent
    Stall,
    /// Pass no more bytes on the connections of now; new ones are well, as behind a NAT that forgot
    Forget,
    /// End stall, refuse, delay, loss, and what is left of status, hang and portal
    Resume,
    /// Make each round trip longer
    Delay {
        /// Milliseconds, for both directions together
        ms: u64,
    },
    /// Lose packets: each that is lost holds up what follows for a retransmission
    Loss {
        /// Of a hundred, in each direction
        #[arg(value_parser = clap::value_parser!(u8).range(..=100))]
        percent: u8,
    },
    /// Announce another host name for the SSH server; the port stays
    SshHost {
        /// A name or an address [default: 127.0.0.1]
        name: Option<String>,
    },
    /// Refuse new SSH connections; those that are open live on
    Refuse,
    /// Answer the next API calls with a status
    Status {
        /// The HTTP status
        code: u16,
        /// How many calls
        #[arg(long, default_value_t = 1)]
        times: u32,
        /// Only calls whose path contains this, of either API [default: /heroku/resources]
        #[arg(long)]
        path: Option<String>,
        /// Seconds for a Retry-After header
        #[arg(long)]
        retry_after: Option<u64>,
    },
    /// Let Heroku ask for a second factor before it makes authorizations, until resume
    TwoFactor {
        /// The code that it accepts
        code: String,
    },
    /// Leave the next API calls without an answer for 30 seconds
    Hang {
        /// How many calls
        #[arg(long, default_value_t = 1)]
        times: u32,
        /// Only calls whose path contains this, of either API [default: /heroku/resources]
        #[arg(long)]
        path: Option<String>,
    },
    /// Answer the next API calls with a web page (200), as a captive portal does
    Portal {
        /// How many calls
        #[arg(long, default_value_t = 1)]
        times: u32,
        /// Only calls whose path contains this, of either API [default: all]
        #[arg(long)]
        path: Option<String>,
        /// Redirect to the page (302) instead
        #[arg(long)]
        redirect: bool,
    },
    /// Change the personal users' passwords, or withdraw their SSH keys
    Rotate {
        /// Which
        what: Rotate,
        /// Only on this add-on [default: all]
        #[arg(long)]
        addon: Option<String>,
    },
    /// Reset all database users, as a team mate's `users:reset` would
    ResetUsers {
        /// Only on this add-on [default: all]
        #[arg(long)]
        addon: Option<String>,
    },
    /// Attach another add-on to an app under a name that is taken; what had it is attached no more
    Attach {
        /// The app
        app: String,
        /// The attachment's name
        name: String,
        /// The add-on's name
        addon: String,
    },
    /// Let sshd present a new host key, while the API announces the old one
    HostKey {
        /// No new key; the API announces what sshd presents
        #[arg(long)]
        announce: bool,
    },
    /// Stop, start or restart sshd; stopping it ends its connections
    Sshd {
        /// What to do
        power: Power,
    },
    /// Kill the processes of the SSH connections that the running sshd has begun
    KillSessions,
    /// Restart sshd with these settings (`RekeyLimit 16M`); without any, with those of the start
    SshdSettings {
        /// Lines of sshd_config; they win over its own, and count for new connections
        settings: Vec<String>,
    },
    /// Stop, start or restart Postgres
    Postgres {
        /// What to do
        power: Power,
    },
}

/// Which credential changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Rotate {
    /// Database passwords, at once
    Db,
    /// SSH keys: the old is refused at once, the next to ask gets a new one
    Ssh,
}

/// What happens to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// End it
    Stop,
    /// Start it again
    Start,
    /// Both
    Restart,
}

impl Service {
    pub(crate) async fn apply(&self, fault: Fault) -> Result<(), world::Error> {
        match fault {
            Fault::Cut => self.relay.cut().await,
            Fault::Stall => self.relay.stall(),
            Fault::Forget => self.relay.forget(),
            Fault::Loss { percent } => self.relay.lose(percent),
            Fault::SshHost { name } => self.world.announce_ssh_host(name),
            Fault::Resume => {
                self.armed.disarm();
                self.two_factor.ask_for(None);
                self.relay.resume().await;
            }
            Fault::Delay { ms } => self.relay.delay(Duration::from_millis(ms)),
            Fault::Refuse => self.relay.refuse().await,
            Fault::Status { code, times, path, retry_after } => {
                self.armed.arm(Answer::Status { code, retry_after }, times, path);
            }
            Fault::TwoFactor { code } => self.two_factor.ask_for(Some(code)),
            Fault::Hang { times, path } => self.armed.arm(Answer::Hang, times, path),
            Fault::Portal { times, path, redirect } => {
                let path = path.unwrap_or_else(|| "/".to_owned());
                self.armed.arm(Answer::Portal { redirect }, times, Some(path));
            }
            Fault::Rotate { what, addon } => self.rotate(what, addon).await?,
            Fault::ResetUsers { addon } => {
                for addon in self.addons(addon).await {
                    self.world.reset_users(&addon).await?;
                }
            }
            Fault::Attach { app, name, addon } => self.world.attach(&app, &name, &addon).await?,
            Fault::HostKey { announce: true } => self.sshd.announce_host_key(),
            Fault::HostKey { announce: false } => {
                self.sshd.new_host_key().await?;
                self.sshd.stop().await?;
                self.sshd.start().await?;
            }
            Fault::Sshd { power } => self.power_sshd(power).await?,
            Fault::KillSessions => self.sshd.kill_sessions().await?,
            Fault::SshdSettings { settings } => self.sshd.restart_with(&settings).await?,
            Fault::Postgres { power } => self.power_postgres(power).await?,
        }
        Ok(())
    }

    async fn rotate(&self, what: Rotate, addon: Option<String>) -> Result<(), world::Error> {
        for addon in self.addons(addon).await {
            match what {
                Rotate::Db => self.world.rotate_passwords(&addon).await?,
                Rotate::Ssh => self.world.rotate_ssh_key(&addon).await?,
            }
        }
        Ok(())
    }

    /// The relay gives up its port meanwhile: a client sees what it would see without a relay.
    async fn power_sshd(&self, power: Power) -> Result<(), world::Error> {
        if power != Power::Start {
            self.relay.refuse().await;
            self.sshd.stop().await?;
            self.relay.cut().await;
        }
        if power != Power::Stop {
            self.sshd.start().await?;
            self.relay.listen().await;
        }
        Ok(())
    }

    async fn power_postgres(&self, power: Power) -> Result<(), world::Error> {
        if power != Power::Start {
            self.cluster.stop().await?;
        }
        if power != Power::Stop {
            self.cluster.start().await?;
        }
        Ok(())
    }

    async fn addons(&self, named: Option<String>) -> Vec<String> {
        match named {
            Some(addon) => vec![addon],
            None => {
                let state = self.world.state().await;
                let ours = state.addons.iter().filter(|addon| addon.database.is_some());
                ours.map(|addon| addon.name.clone()).collect()
            }
        }
    }
}
