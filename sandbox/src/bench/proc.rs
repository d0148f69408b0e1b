//! What Linux says of a process: CPU time, memory, how often it woke up.

use super::Error;

/// Seconds of CPU so far, user and system.
pub(super) fn cpu_seconds(pid: u32) -> Result<f64, Error> {
    let stat = read(pid, "stat")?;
    // The name in parentheses may have blanks in it; utime and stime are the 12th and 13th after.
    let after = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: Vec<u64> =
        after.split(' ').skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand ticks")]
    let seconds = ticks.iter().sum::<u64>() as f64 / rustix::param::clock_ticks_per_second() as f64;
    Ok(seconds)
}

/// Bytes of anonymous memory that are in use now.
pub(super) fn anonymous(pid: u32) -> Result<u64, Error> {
    Ok(number(pid, "RssAnon:")? * 1024)
}

/// How often it has gone to sleep of its own accord, in all its threads: once for each wakeup.
pub(super) fn wakeups(pid: u32) -> Result<u64, Error> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"))
        .map_err(Error::io("read a process's threads"))?;
    let mut all = 0;
    for thread in threads.flatten() {
        let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        all += field(&status, "voluntary_ctxt_switches:").unwrap_or_default();
    }
    Ok(all)
}

fn number(pid: u32, name: &str) -> Result<u64, Error> {
    let status = read(pid, "status")?;
    field(&status, name).ok_or_else(|| Error::Wrong(format!("/proc has no {name} of {pid}")))
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn read(pid: u32, file: &str) -> Result<String, Error> {
    std::fs::read_to_string(format!("/proc/{pid}/{file}"))
        .map_err(Error::io("read what the system says of a process"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_read() {
        let pid = std::process::id();
        let began = cpu_seconds(pid).unwrap();
        let mut sum = 0_u64;
        while cpu_seconds(pid).unwrap() <= began {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(anonymous(pid).unwrap() > 100 * 1024);
        assert!(wakeups(pid).is_ok());
    }
}
