//! All parts of a running sandbox, and the order in which they start and stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Router, middleware};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::Account;
use crate::armed::Armed;
use crate::authorizations::Authorizations;
use crate::find::Programs;
use crate::http::{Listener, Observer, Refuse, observe};
use crate::keys::KeyMaker;
use crate::layout::Layout;
use crate::options::Options;
use crate::ports::Block;
use crate::postgres::Cluster;
use crate::relay::Relay;
use crate::requests::{Api, RequestLog};
use crate::secrets::Secrets;
use crate::sshd::Sshd;
use crate::two_factor::TwoFactor;
use crate::world::{Parts, World};
use crate::{Error, admin, borealis, heroku};

/// How long open requests may take to end at the stop.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct Service {
    pub(crate) layout: Layout,
    /// Heroku logins that are accepted; never empty.
    pub(crate) api_keys: Vec<String>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) requests: Arc<RequestLog>,
    pub(crate) armed: Armed,
    pub(crate) two_factor: TwoFactor,
    pub(crate) authorizations: Authorizations,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) sshd: Arc<Sshd>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) world: World,
    pub(crate) endpoints: Vec<u16>,
    addresses: Addresses,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

#[derive(Debug, Clone, Copy)]
struct Addresses {
    heroku: SocketAddr,
    borealis: SocketAddr,
    admin: SocketAddr,
}

struct Servers {
    cluster: Arc<Cluster>,
    sshd: Arc<Sshd>,
}

impl Service {
    pub(crate) async fn start(
        options: Options,
        programs: Programs,
        layout: Layout,
    ) -> Result<Arc<Self>, Error> {
        let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
        let account = Account::current().await.map_err(Error::io("find out who we are"))?;
        let keys = KeyMaker::new(&programs, &layout.scratch());
        let ports = Block::reserve().map_err(Error::io("find free ports"))?;
        let servers =
            start_servers(&options, &layout, &programs, &account, (&keys, &ports)).await?;
        let secrets = Arc::new(Secrets::default());
        let relay = Relay::start(ports.relay, servers.sshd.port(), &tasks, &cancel)
            .await
            .map_err(Error::io("start the relay"))?;
        let world = World::create(Parts {
            cluster: Arc::clone(&servers.cluster),
            sshd: Arc::clone(&servers.sshd),
            relay: Arc::clone(&relay),
            keys,
            format: options.key,
            secrets: Arc::clone(&secrets),
            ssh_username: account.name,
            straight: options.straight,
            elsewhere: options.elsewhere,
            more_apps: options.more_apps,
        })
        .await?;
        let endpoints = ports.endpoints.clone();
        let listeners = Listeners::bind(ports).await.map_err(Error::io("listen for the APIs"))?;
        let service = Arc::new(Self {
            layout,
            api_keys: api_keys(options.api_keys, &secrets),
            secrets,
            requests: Arc::default(),
            armed: Armed::default(),
            two_factor: TwoFactor::default(),
            authorizations: Authorizations::default(),
            cluster: servers.cluster,
            sshd: servers.sshd,
            relay,
            world,
            endpoints,
            addresses: listeners.addresses(),
            tasks,
            cancel,
        });
        listeners.serve(&service);
        Ok(service)
    }

    /// APIs and relay first, so that nobody is served by half a sandbox; then the servers.
    pub(crate) async fn stop(&self) -> Result<(), Error> {
        self.cancel.cancel();
        self.tasks.close();
        if tokio::time::timeout(STOP_PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "left behind at the stop");
        }
        let (sshd, cluster) = tokio::join!(self.sshd.stop(), self.cluster.stop());
        sshd?;
        Ok(cluster?)
    }

    pub(crate) fn heroku_url(&self) -> String {
        format!("http://{}", self.addresses.heroku)
    }

    pub(crate) fn borealis_url(&self) -> String {
        format!("http://{}", self.addresses.borealis)
    }

    pub(crate) fn admin_url(&self) -> String {
        format!("http://{}", self.addresses.admin)
    }
}

async fn start_servers(
    options: &Options,
    layout: &Layout,
    programs: &Programs,
    account: &Account,
    (keys, ports): (&KeyMaker, &Block),
) -> Result<Servers, Error> {
    let postgres = async {
        let cluster =
            Cluster::create(programs, account, &layout.postgres(), ports.postgres).await?;
        cluster.start().await?;
        Ok::<_, Error>(Arc::new(cluster))
    };
    let ssh = async {
        let permitted: Vec<u16> = [ports.postgres].into_iter().chain(options.elsewhere).collect();
        let ports = (ports.sshd, &*permitted);
        let sshd = Sshd::create(programs, keys, options.host_key, &layout.ssh(), ports).await?;
        sshd.start().await?;
        Ok(Arc::new(sshd))
    };
    let (cluster, sshd) = tokio::try_join!(postgres, ssh)?;
    Ok(Servers { cluster, sshd })
}

fn api_keys(wanted: Vec<String>, secrets: &Secrets) -> Vec<String> {
    if wanted.is_empty() {
        return vec![secrets.token("HRKU-sandbox-")];
    }
    wanted.iter().for_each(|key| secrets.add(key));
    wanted
}

struct Listeners {
    heroku: Listener,
    borealis: Listener,
    admin: Listener,
}

impl Listeners {
    async fn bind(ports: Block) -> std::io::Result<Self> {
        Ok(Self {
            heroku: Listener::bind().await?,
            borealis: Listener::bind().await?,
            admin: Listener::from_std(ports.keeper)?,
        })
    }

    fn addresses(&self) -> Addresses {
        Addresses {
            heroku: self.heroku.address,
            borealis: self.borealis.address,
            admin: self.admin.address,
        }
    }

    fn serve(self, service: &Arc<Service>) {
        let (tasks, cancel) = (&service.tasks, &service.cancel);
        let observed = |api: Api, router: Router, refuse: Refuse| {
            let (service, cancel) = (Arc::clone(service), cancel.clone());
            let observer = Observer { api, service, refuse, cancel };
            router.layer(middleware::from_fn_with_state(observer, observe))
        };
        let heroku = observed(Api::Heroku, heroku::router(Arc::clone(service)), heroku::refuse);
        let borealis =
            observed(Api::Borealis, borealis::router(Arc::clone(service)), borealis::refuse);
        self.heroku.serve(heroku, tasks, cancel);
        self.borealis.serve(borealis, tasks, cancel);
        self.admin.serve(admin::router(Arc::clone(service)), tasks, cancel);
    }
}
