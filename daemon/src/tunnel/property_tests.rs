//! The supervisor on the real vault, with a service and an SSH server to which anything happens.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use borealis_proto::{ErrorCode, Renew};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use proptest::prelude::*;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fakes::*;
use super::*;
use crate::credentials::fake_service::FakeService;
use crate::credentials::{Owner, SshCredentials, Vault, Want};
use crate::fault::{Failure, Fault};
use crate::locked::Locked;
use crate::tasks::Tasks;

/// Between two renewals that nobody asked for.
const APART: Duration = Duration::from_secs(30);
/// The longest of our own waits …
const OURS: Duration = Duration::from_secs(30);
/// … and where it is the service that would be asked.
const ASKING: Duration = Duration::from_secs(2 * 60);
/// Renewals that nobody asked for, in a day.
const CEILING: usize = 48;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A further link may try a key that the supervisor still believes in.
const LINKS: usize = 1;

struct FromVault(Arc<Vault>);

impl KeySource for FromVault {
    fn key(&self, want: Want) -> BoxFuture<'static, Result<Arc<SshCredentials>, Failure>> {
        let vault = self.0.clone();
        let owner = Owner::Personal { addon: "a".into() };
        async move { vault.ssh(&owner, want).await.map_err(|error| error.failure()) }.boxed()
    }
}

/// Everything, and what was seen.
struct Bench {
    service: Arc<FakeService>,
    server: Arc<Server>,
    tunnel: Arc<Tunnel>,
    vault: Arc<Vault>,
    all: TaskTracker,
    /// From when to when a person's `refresh` was under way.
    refreshes: Vec<(Instant, Instant)>,
    /// What was published and never should be.
    wrong: Arc<Locked<Vec<String>>>,
    stop: CancellationToken,
}

impl Bench {
    fn new(renew: Renew) -> Self {
        let (service, server, all) =
            (Arc::<FakeService>::default(), Arc::<Server>::default(), TaskTracker::new());
        let vault = Arc::new(Vault::new(service.clone(), renew, Tasks::new(&all)));
        let keys = Arc::new(FromVault(vault.clone()));
        let tasks = Tasks::new(&all);
        let tunnel = Tunnel::start("t".into(), keys, server.clone(), LINKS, tasks);
        let (wrong, stop) = (Arc::default(), CancellationToken::new());
        let bench = Self {
            service,
            server,
            tunnel: Arc::new(tunnel),
            vault,
            all,
            refreshes: Vec::new(),
            wrong,
            stop,
        };
        bench.watch();
        bench
    }

    /// Whoever looks at any time sees why it is not up, and when it is tried next.
    fn watch(&self) {
        let (mut status, wrong, stop) =
            (self.tunnel.status(), self.wrong.clone(), self.stop.clone());
        let watching = async move {
            let mut since = Instant::now();
            loop {
                let now = status.borrow_and_update().clone();
                let complete = match now.phase {
                    Phase::Waiting => now.failure.is_some() && now.next_retry_at.is_some(),
                    Phase::Blocked => now.failure.is_some(),
                    Phase::Ready => now.failure.is_none() && now.next_retry_at.is_none(),
                    Phase::Working | Phase::Ended => true,
                };
                if !complete {
                    wrong.lock().push(format!("{now:?}"));
                }
                if status.changed().await.is_err() {
                    return;
                }
                let waited = std::mem::replace(&mut since, Instant::now()).elapsed();
                let failed = now.failure.as_ref().map(|one| (one.fault, one.reason.code));
                let most = match failed {
                    Some((Fault::Paced { first, .. }, _)) => first,
                    Some((_, ErrorCode::LinkLost | ErrorCode::KeyRefused)) => OURS,
                    _ => ASKING,
                };
                // A millisecond is what timers are worth.
                if now.phase == Phase::Waiting && waited > most + Duration::from_millis(1) {
                    wrong.lock().push(format!("waited {waited:?}: {now:?}"));
                }
            }
        };
        Tasks::new(&self.all).spawn(async move {
            stop.run_until_cancelled(watching).await;
        });
    }

    fn withdraw(&self, useless: usize) {
        self.server.withdrawn.store(self.service.handed() + useless, Ordering::SeqCst);
    }

    fn cut(&self) {
        self.server.links.lock().iter().for_each(|link| link.cut());
    }

    async fn refresh(&mut self) -> bool {
        let begun = Instant::now();
        let done = tokio::time::timeout(Duration::from_secs(60), self.tunnel.replace(true)).await;
        self.refreshes.push((begun, Instant::now()));
        matches!(done, Ok(Ok(())))
    }

    async fn open(&self, patience: u64) -> Result<Channel, NoChannel> {
        self.tunnel.open("db", 5432, Company::Alone, Duration::from_secs(patience)).await
    }

    fn code(&self) -> Option<ErrorCode> {
        self.tunnel.status().borrow().failure.as_ref().map(|failure| failure.reason.code)
    }

    fn phase(&self) -> Phase {
        self.tunnel.status().borrow().phase
    }

    /// When keys were got without anybody's asking. The first is the opener's.
    fn automatic(&self) -> Vec<Instant> {
        let by_a_person =
            |at: &Instant| self.refreshes.iter().any(|(begun, ended)| begun <= at && at <= ended);
        self.service.keys.lock().iter().skip(1).filter(|at| !by_a_person(at)).copied().collect()
    }

    /// What holds whatever happened.
    fn check(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.service.busiest.load(Ordering::SeqCst) <= 1, "two requests in flight");
        prop_assert_eq!(
            self.server.used_again.load(Ordering::SeqCst),
            0,
            "a refused key came back"
        );
        let automatic = self.automatic();
        let apart = automatic.windows(2).all(|two| two[1] - two[0] >= APART);
        prop_assert!(apart, "renewed by itself at {automatic:?}");
        let keys = self.service.keys.lock().clone();
        for (before, two) in keys.windows(2).enumerate() {
            let never_taken = !self.server.took.lock().contains(&(before + 1));
            if never_taken && automatic.contains(&two[1]) {
                prop_assert!(two[1] - two[0] >= APART, "{:?} after one of no use", two[1] - two[0]);
            }
        }
        for (n, at) in automatic.iter().enumerate() {
            let day = automatic[..=n].iter().filter(|then| *at - **then < DAY).count();
            let lifted = self.refreshes.iter().any(|(begun, _)| begun < at && *at < *begun + DAY);
            prop_assert!(day <= CEILING || lifted, "{day} in a day");
        }
        let wrong = self.wrong.lock();
        prop_assert!(wrong.is_empty(), "{wrong:?}");
        Ok(())
    }

    async fn stop(self) -> Result<(), TestCaseError> {
        self.check()?;
        self.tunnel.stop().await;
        self.stop.cancel();
        self.vault.finish().await;
        self.all.close();
        self.all.wait().await;
        let (made, ended) = *self.service.authorizations.lock();
        prop_assert_eq!(made, ended, "authorizations");
        Ok(())
    }
}

/// Things that happen to a tunnel.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Cut,
    ServerDown,
    ServerUp,
    /// The server refuses all keys so far, and so many of those to come.
    Withdraw(usize),
    /// The same, and no link stays.
    Reset(usize),
    Service(Option<u16>),
    Wake,
    Client,
    Reconnect,
    Refresh,
    Pass(u64),
}

fn blows() -> impl Strategy<Value = Vec<Blow>> {
    let status = prop_oneof![Just(401), Just(403), Just(404), Just(423), Just(503)];
    let one = prop_oneof![
        2 => Just(Blow::Cut),
        1 => Just(Blow::ServerDown),
        2 => Just(Blow::ServerUp),
        1 => (0usize..3).prop_map(Blow::Withdraw),
        4 => (0usize..3).prop_map(Blow::Reset),
        1 => status.prop_map(|status| Blow::Service(Some(status))),
        2 => Just(Blow::Service(None)),
        1 => Just(Blow::Wake),
        1 => Just(Blow::Client),
        1 => Just(Blow::Reconnect),
        1 => Just(Blow::Refresh),
        3 => (0u64..100).prop_map(Blow::Pass),
    ];
    prop::collection::vec(one, 0..40)
}

async fn strike(bench: &mut Bench, blow: Blow) {
    let bound = Duration::from_secs(60);
    match blow {
        Blow::Cut => bench.cut(),
        Blow::ServerDown => bench.server.down.store(true, Ordering::SeqCst),
        Blow::ServerUp => bench.server.down.store(false, Ordering::SeqCst),
        Blow::Withdraw(useless) => bench.withdraw(useless),
        Blow::Reset(useless) => {
            bench.withdraw(useless);
            bench.cut();
        }
        Blow::Service(status) => *bench.service.refusal.lock() = status,
        Blow::Wake => bench.tunnel.retry(Why::Wake).await,
        Blow::Client => drop(bench.open(8).await),
        Blow::Reconnect => drop(tokio::time::timeout(bound, bench.tunnel.replace(false)).await),
        Blow::Refresh => drop(bench.refresh().await),
        Blow::Pass(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
    }
}

fn paused(test: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test)
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(cases(200))]

    /// Whatever happens, and in whatever order: see [`Bench::check`]. And once the world is well,
    /// the tunnel is too: by itself, or, where it waits for a person, when one comes.
    #[test]
    fn whatever_happens_it_is_civil_and_gets_up_again(blows in blows()) {
        paused(async {
            let mut bench = Bench::new(Renew::Auto);
            for blow in &blows {
                strike(&mut bench, *blow).await;
                bench.check()?;
            }
            bench.server.down.store(false, Ordering::SeqCst);
            *bench.service.refusal.lock() = None;
            // Keys that are to come are good.
            let withdrawn = bench.server.withdrawn.load(Ordering::SeqCst);
            bench.server.withdrawn.store(withdrawn.min(bench.service.handed()), Ordering::SeqCst);
            // The longest that the service asks for, and a try.
            let opened = bench.open(150 + 31).await.is_ok();
            if !opened {
                prop_assert_eq!(bench.phase(), Phase::Blocked, "{:?}", bench.code());
                bench.tunnel.retry(Why::User).await;
                let opened = bench.open(31).await.is_ok();
                prop_assert!(opened, "{:?} {:?}", bench.phase(), bench.code());
            }
            bench.stop().await
        })?;
    }

    /// Somebody takes the key away again and again: there is an end to that, in each span of 24
    /// hours, and a person can begin anew.
    #[test]
    fn a_key_that_is_taken_away_all_day_is_given_up(rests in prop::collection::vec(0u64..900, 60..120)) {
        paused(async {
            let mut bench = Bench::new(Renew::Auto);
            let _first = bench.open(8).await;
            for rest in rests {
                bench.withdraw(0);
                bench.cut();
                tokio::time::sleep(Duration::from_secs(rest)).await;
                let _renewed = bench.open(40).await;
                bench.check()?;
            }
            // At most 120 quarters of an hour: more than a day, and the average is half of that.
            prop_assert_eq!(bench.code(), Some(ErrorCode::TooManyRenewals));
            prop_assert_eq!(bench.phase(), Phase::Blocked);
            prop_assert_eq!(bench.automatic().len(), CEILING);
            tokio::time::sleep(Duration::from_secs(3600)).await;
            prop_assert_eq!(bench.automatic().len(), CEILING, "nobody tries on his own");
            prop_assert!(bench.refresh().await);
            bench.withdraw(0);
            bench.cut();
            prop_assert!(bench.open(40).await.is_ok(), "{:?}", bench.code());
            bench.stop().await
        })?;
    }

    /// Who wants to be asked is asked: nothing but a refresh gets another key.
    #[test]
    fn with_ask_only_a_person_renews(blows in blows()) {
        paused(async {
            let mut bench = Bench::new(Renew::Ask);
            for blow in &blows {
                strike(&mut bench, *blow).await;
                bench.check()?;
                prop_assert_eq!(bench.automatic().len(), 0);
            }
            bench.server.down.store(false, Ordering::SeqCst);
            *bench.service.refusal.lock() = None;
            let withdrawn = bench.service.handed();
            bench.server.withdrawn.store(withdrawn, Ordering::SeqCst);
            bench.cut();
            tokio::time::sleep(Duration::from_secs(3600)).await;
            prop_assert!(bench.phase() == Phase::Blocked || bench.service.handed() <= 1);
            prop_assert!(bench.refresh().await, "{:?} {:?}", bench.phase(), bench.code());
            prop_assert!(bench.open(8).await.is_ok());
            bench.stop().await
        })?;
    }
}
