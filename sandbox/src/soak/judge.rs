//! What must hold in the end: nothing lost, nothing left over, nobody down, and no more asked of the
//! service than there was reason to.

use std::collections::BTreeMap;

use super::measure::{self, Held};
use super::record::Log;
use super::stand::{OPEN, SOBA, TARGETS, Target};
use super::tool::Trouble;
use super::workers::{self, Shared};
use crate::requests::Request;

/// By how much the daemon's memory may grow after its first part: what the allocator keeps of the
/// largest moment, and that moment depends on chance.
const GROWTH_KIB: u64 = 32 * 1024;
/// What a fault here is meant to bring about.
const HOST_KEY: &str = "the SSH host key is not the announced one";
/// A daemon asks for both accesses of an add-on.
const ACCESSES: u64 = 2;

/// What was counted on the way.
#[derive(Debug)]
pub(super) struct Seen {
    /// A daemon without sessions.
    pub(super) idle: Held,
    /// With all sessions, before any work.
    pub(super) rested: Held,
    /// After the first part.
    pub(super) warm: Held,
}

/// What was counted in the end.
#[derive(Debug)]
pub(super) struct Judged {
    /// With all sessions, and no client.
    pub(super) settled: Held,
    /// With no session any more.
    pub(super) closed: Held,
    /// Answered calls for credentials, by path.
    pub(super) mints: BTreeMap<String, u64>,
}

/// Everything; each failure is recorded.
pub(super) async fn judge(shared: &Shared, seen: &Seen) -> Result<Judged, Trouble> {
    let (stand, record) = (&shared.stand, &shared.record);
    record.during("the end".to_owned());
    let settled = measure::settled(stand, Some(&seen.rested)).await?;
    let files = measure::describe_files(settled.pid);
    for left in settled.more_than(&seen.rested) {
        let info = stand.sandbox.info();
        let (ssh, apis) = (info.relay_port, [info.heroku_url, info.borealis_url].join(" "));
        record.fail(&format!("left over: {left}; SSH is {ssh}, APIs are {apis}; open: {files}"));
    }
    one_daemon(shared, seen, &settled);
    shared.ledger.audit(stand, record).await;
    sessions(shared).await?;
    let mints = mints(shared);
    authorizations(shared);
    stand.ctl(&["down", "--all", "--drain", "0"]).await?.ok()?;
    let closed = measure::settled(stand, Some(&seen.idle)).await?;
    for left in closed.more_than(&seen.idle) {
        record.fail(&format!("left over after `down --all`: {left}"));
    }
    log(shared).await?;
    for name in workers::NAMES {
        if record.snapshot().clients.get(name).is_none_or(|tally| tally.served == 0) {
            record.fail(&format!("{name} was never served, so this run says nothing about it"));
        }
    }
    Ok(Judged { settled, closed, mints })
}

/// Since it was last ended on purpose, it has not ended; nor has it grown.
fn one_daemon(shared: &Shared, seen: &Seen, settled: &Held) {
    if settled.pid != seen.warm.pid {
        let (then, now) = (seen.warm.pid, settled.pid);
        shared.record.fail(&format!("the daemon ended by itself: process {then}, now {now}"));
    }
    if let (Some(now), Some(then)) = (settled.memory_kib, seen.warm.memory_kib)
        && now > then + GROWTH_KIB
    {
        shared.record.fail(&format!("the daemon grew from {then} to {now} KiB"));
    }
}

async fn sessions(shared: &Shared) -> Result<(), Trouble> {
    let sessions = shared.stand.sessions().await?;
    for target in TARGETS {
        match sessions.iter().find(|session| session.is_of(target)) {
            Some(session) if session.state == "up" => {}
            Some(session) => shared.record.fail(&session.describe()),
            None => shared.record.fail(&format!("{target} is not in the list")),
        }
    }
    let strange = sessions.iter().filter(|one| !TARGETS.iter().any(|target| one.is_of(*target)));
    for session in strange {
        shared.record.fail(&format!("nobody wants it: {}", session.describe()));
    }
    Ok(())
}

/// A deletion that was refused leaves one behind, and so does a daemon that is killed: they end by
/// themselves. Nothing else may leave any.
fn authorizations(shared: &Shared) {
    let refused = |one: &&Request| {
        one.method == "DELETE"
            && one.path.contains("/oauth/authorizations")
            && !one.status.is_some_and(|status| (200..300).contains(&status))
    };
    let refused = shared.stand.sandbox.requests().iter().filter(refused).count();
    let orphans = shared.record.snapshot().orphans;
    let left = shared.stand.sandbox.authorizations();
    let left: Vec<_> = left.iter().filter(|(id, _)| !orphans.contains(*id)).collect();
    if left.len() > refused {
        shared.record.fail(&format!(
            "left over: {} authorizations, and {refused} deletions were refused: {left:?}",
            left.len()
        ));
    }
}

/// Credentials that were handed out, against the reasons that there were.
fn mints(shared: &Shared) -> BTreeMap<String, u64> {
    let log = shared.record.snapshot();
    let mut mints = BTreeMap::new();
    for one in shared.stand.sandbox.requests() {
        let handed_out = one.status.is_some_and(|status| (200..300).contains(&status));
        if handed_out && one.method == "POST" && one.path.contains("/personal-") {
            *mints.entry(one.path.clone()).or_default() += 1;
        }
    }
    for (path, count) in &mints {
        let addon = OPEN.into_iter().chain([Target::of(SOBA).addon()]);
        let addon = addon.into_iter().find(|addon| path.contains(addon));
        let allowed = addon.map_or(0, |addon| reasons(&log, addon));
        if *count > allowed {
            shared.record.fail(&format!("{count} answers to POST {path}; {allowed} have a reason"));
        }
    }
    mints
}

/// How often credentials of an add-on may have been asked for: by each daemon, after each fault that
/// ended them, when a person wanted it, and each time the session was opened.
fn reasons(log: &Log, addon: &str) -> u64 {
    let opened = if Target::of(SOBA).addon() == addon {
        log.clients
            .get(workers::UP_AND_DOWN)
            .map_or(0, |tally| tally.served + tally.errors.values().sum::<u64>())
    } else {
        0
    };
    let ended = log.ended.get(addon).copied().unwrap_or_default();
    let refreshed = log.refreshed.get(addon).copied().unwrap_or_default();
    ACCESSES * (1 + log.daemons_ended + ended) + refreshed + opened
}

/// Warnings are the daemon's business, errors are ours; but for the one that it is asked for.
async fn log(shared: &Shared) -> Result<(), Trouble> {
    let file = shared.stand.daemon().await?.log;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let dir = file.parent().map(std::path::Path::to_owned).unwrap_or_default();
    let entries = std::fs::read_dir(&dir).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&name)) {
        let text = std::fs::read(entry.path()).unwrap_or_default();
        for line in bad(&String::from_utf8_lossy(&text)) {
            shared.record.fail(&format!("the daemon's log says: {line}"));
        }
    }
    Ok(())
}

fn bad(log: &str) -> impl Iterator<Item = &str> {
    let bad = |line: &&str| line.contains(" ERROR ") || line.contains("panicked");
    log.lines().filter(bad).filter(|line| !line.contains(HOST_KEY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_are_bad() {
        let log = "1 INFO up\n2 ERROR russh: no\n3 WARN lost\n4 ERROR b: the SSH host key is not \
                   the announced one\nthread 'main' panicked at x";
        let bad: Vec<_> = bad(log).collect();
        assert_eq!(bad, ["2 ERROR russh: no", "thread 'main' panicked at x"]);
    }
}
