//! The course of a run: everything up, clients to work, one episode after the other, and after each
//! the proof that every session serves again.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::data::{self, Ledger};
use super::judge::{self, Seen};
use super::kinds::{REFRESH, Step, Subject, Trait};
use super::measure::{self, Held};
use super::record::Record;
use super::report::Report;
use super::schedule::{Episode, Schedule};
use super::stand::{OPEN, Stand, TARGETS, Target};
use super::tool::{self, Trouble};
use super::weather::Weather;
use super::workers::{self, Shared};
use super::{Error, person, say};

/// Between two tries of somebody who wants to be served.
const AGAIN: Duration = Duration::from_millis(200);
/// How long a request of a killed daemon may take to be answered.
const IN_FLIGHT: Duration = Duration::from_millis(30);
/// How long a person waits before looking again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How often a restart is tried.
const RESTARTS: u32 = 5;

/// All of it, and what it shows.
pub(super) async fn run(
    stand: &Arc<Stand>,
    schedule: &Schedule,
    stop: &CancellationToken,
) -> Result<Report, Error> {
    let failed = |trouble: Trouble| Error::Unprepared(format!("{trouble:?}"));
    // With no session yet; the same figures must be there again when all are closed.
    stand.ctl(&["daemon", "start"]).await.and_then(tool::Ended::ok).map_err(failed)?;
    let idle = measure::held(stand).await.map_err(failed)?;
    for (target, port) in TARGETS.into_iter().zip(stand.sandbox.endpoints()) {
        // Nobody else's daemon may have taken it while this one's is away.
        let port = port.to_string();
        stand.on("up", target, &["-p", &port]).await.and_then(tool::Ended::ok).map_err(failed)?;
    }
    data::prepare(stand).await?;
    let rested = measure::settled(stand, None).await.map_err(failed)?;
    let shared = Arc::new(Shared {
        stand: Arc::clone(stand),
        record: Record::new(),
        weather: Weather::default(),
        ledger: Ledger::default(),
    });
    let course = Course { shared, schedule, stop };
    let warm = course.through().await.map_err(failed)?;
    let seen = Seen { idle, rested, warm };
    let judged = judge::judge(&course.shared, &seen).await.map_err(failed)?;
    Ok(Report::new(schedule, &course.shared.record, &seen, judged))
}

struct Course<'a> {
    shared: Arc<Shared>,
    schedule: &'a Schedule,
    stop: &'a CancellationToken,
}

impl Course<'_> {
    /// Both parts; what the daemon holds between them, when it has seen work and will not be ended
    /// any more.
    async fn through(&self) -> Result<Held, Trouble> {
        let split = self.schedule.deadly_until();
        let (first, second): (Vec<_>, Vec<_>) =
            self.schedule.episodes.iter().partition(|episode| episode.at < split);
        self.part(&first, split, 1).await;
        let warm = measure::held(&self.shared.stand).await?;
        self.part(&second, self.schedule.time, 2).await;
        Ok(warm)
    }

    /// Clients at work, and episodes, until it is time.
    async fn part(&self, episodes: &[&Episode], until: Duration, number: u64) {
        let begun = Instant::now() - self.shared.record.elapsed();
        let (clients, end) = (TaskTracker::new(), self.stop.child_token());
        let seed = self.schedule.seed.wrapping_mul(1_000).wrapping_add(number * 100);
        self.shared.record.during("fair weather".to_owned());
        workers::start(&self.shared, seed, &clients, &end);
        let eventful = async {
            for episode in episodes {
                sleep_until(begun + episode.at).await;
                // Those before took longer than the schedule knew.
                if self.shared.record.elapsed() < until {
                    self.episode(episode).await;
                }
            }
            sleep_until(begun + until).await;
        };
        // What is begun is ended, also by somebody who has no patience left.
        let _all_of_it = self.stop.run_until_cancelled(eventful).await;
        end.cancel();
        clients.close();
        clients.wait().await;
        self.mend().await;
    }

    async fn episode(&self, episode: &Episode) {
        let record = &self.shared.record;
        let at = record.elapsed();
        say(&format!("{:>8.1} s  {episode}", at.as_secs_f64()));
        record.during(episode.to_string());
        self.shared.weather.turn();
        let mut ok = self.steps(episode.subject, episode.kinds.iter().map(|kind| kind.begin)).await;
        sleep(episode.hold).await;
        ok &= self.steps(episode.subject, episode.kinds.iter().map(|kind| kind.end)).await;
        let recovered = if ok { self.recover(episode).await } else { None };
        record.made(at, episode, recovered);
        self.shared.weather.turn();
        record.during(format!("fair weather after {episode}"));
    }

    /// Whether all could be done.
    async fn steps<'b>(&self, subject: Subject, lists: impl Iterator<Item = &'b [Step]>) -> bool {
        for step in lists.flatten() {
            if let Err(error) = self.step(*step, subject).await {
                self.shared.record.fail(&format!("a fault could not be made: {error}"));
                return false;
            }
        }
        true
    }

    async fn step(&self, step: Step, Subject { addon, target }: Subject) -> Result<(), String> {
        let stand = &self.shared.stand;
        let fault = match step {
            Step::World(make) => make(),
            Step::Addon(make) => make(addon.to_owned()),
            Step::Command(command) => {
                if command == REFRESH {
                    self.shared.record.refreshed(target.addon());
                }
                // A person's command may come in bad weather, and fail.
                return stand
                    .on(command, target, &[])
                    .await
                    .map(drop)
                    .map_err(|hung| format!("{command} {target}: {hung:?}"));
            }
            Step::Restart => return self.restart().await,
            Step::Kill => {
                let daemon = stand.daemon().await.map_err(|trouble| format!("{trouble:?}"))?;
                tool::kill(daemon.pid, Signal::KILL);
                sleep(IN_FLIGHT).await;
                // What it had made and cannot delete any more: the service ends those.
                self.shared.record.orphaned(stand.sandbox.authorizations().into_keys());
                return Ok(());
            }
        };
        stand.sandbox.fault(fault).await.map_err(|error| crate::chain(&error))
    }

    /// As a person would: once more, when the daemon was just going away by itself.
    async fn restart(&self) -> Result<(), String> {
        let mut said = String::new();
        for _ in 0..RESTARTS {
            match self.shared.stand.ctl(&["daemon", "restart"]).await.and_then(tool::Ended::ok) {
                Ok(_) => return Ok(()),
                Err(trouble) => said = format!("daemon restart: {trouble:?}"),
            }
            sleep(AGAIN).await;
        }
        Err(said)
    }

    /// How long it takes until every session has served a psql; `None`: too long.
    async fn recover(&self, episode: &Episode) -> Option<Duration> {
        let ended = Instant::now();
        let limit = episode.kinds.iter().map(|kind| Duration::from_secs(kind.limit)).max()?;
        let person = episode.kinds.iter().any(|kind| kind.is(Trait::Person));
        if person {
            self.help().await;
        }
        let tries = TaskTracker::new();
        let asked: Vec<_> = TARGETS
            .into_iter()
            .map(|target| {
                tries.spawn(served(Arc::clone(&self.shared.stand), target, ended + limit))
            })
            .collect();
        // Who has helped once looks again: a session may have seen no trouble yet the first time.
        let looking = async {
            loop {
                sleep(LOOK_AGAIN).await;
                self.help().await;
            }
        };
        tokio::select! {
            slowest = self.all_served(asked, ended, limit, episode) => slowest,
            () = looking, if person => None,
        }
    }

    /// How long until the slowest was; `None`: one never was.
    async fn all_served(
        &self,
        asked: Vec<JoinHandle<Result<Instant, String>>>,
        ended: Instant,
        limit: Duration,
        episode: &Episode,
    ) -> Option<Duration> {
        let mut slowest = Some(Duration::ZERO);
        for (one, target) in asked.into_iter().zip(TARGETS) {
            match one.await {
                Ok(Ok(at)) => slowest = slowest.map(|slowest| slowest.max(at - ended)),
                Ok(Err(said)) => {
                    slowest = None;
                    let state = self.state_of(target).await;
                    self.shared.record.fail(&format!(
                        "{target} not served within {limit:?} of the end of {episode}: {said}; {state}"
                    ));
                }
                Err(error) => self.shared.record.fail(&format!("a try panicked: {error}")),
            }
        }
        slowest
    }

    async fn help(&self) {
        if let Err(trouble) = person::help(&self.shared).await {
            self.shared.record.fail(&format!("nobody could help: {trouble:?}"));
        }
    }

    async fn state_of(&self, target: Target) -> String {
        let Ok(sessions) = self.shared.stand.sessions().await else { return "no list".to_owned() };
        let of = sessions.iter().find(|session| session.is_of(target));
        of.map_or_else(|| "not in the list".to_owned(), super::stand::Session::describe)
    }

    /// Fair weather for what comes after, also where an episode was left in the middle.
    async fn mend(&self) {
        if !self.stop.is_cancelled() {
            return;
        }
        let all = super::kinds::KINDS.iter().flat_map(|kind| kind.end);
        for step in all {
            // Nobody is left to be told.
            drop(self.step(*step, Subject { addon: OPEN[0], target: TARGETS[0] }).await);
        }
        self.help().await;
    }
}

/// When a psql was served; after the deadline, what the last one said.
async fn served(stand: Arc<Stand>, target: Target, deadline: Instant) -> Result<Instant, String> {
    loop {
        let rest = ["--", "-X", "-A", "-t", "-c", "SELECT 1"];
        let said = match stand.on("psql", target, &rest).await.and_then(tool::Ended::ok) {
            Ok(out) if out == b"1\n" => return Ok(Instant::now()),
            Ok(out) => format!("answered {:?}", String::from_utf8_lossy(&out)),
            Err(trouble) => format!("{trouble:?}"),
        };
        if Instant::now() >= deadline {
            return Err(said);
        }
        sleep(AGAIN).await;
    }
}
