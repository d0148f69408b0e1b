//! Says that something is under way, to a person who looks, once it takes long enough to wonder.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use console::Term;
use indicatif::ProgressBar;
use tokio::time::{interval, sleep};

use super::notes::{self, Level};

/// Until then an answer feels immediate, and a spinner would only flicker.
const UNNOTICED: Duration = Duration::from_millis(300);

const TICK: Duration = Duration::from_millis(100);

/// Clears the line for a question. A spinner that is still wanted draws itself again.
pub fn make_way() {
    // A terminal that has gone shows neither.
    let _gone = Term::stderr().clear_line();
}

/// Waits for `work` beneath a spinner.
pub async fn during<T>(what: &str, work: impl Future<Output = T>) -> T {
    // The lines of `--verbose` tell the same, and would be drawn over.
    let wanted = notes::says(Level::Normal) && !notes::says(Level::Verbose);
    if !wanted || !stderr().is_terminal() {
        return work.await;
    }
    let mut work = std::pin::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = sleep(UNNOTICED) => {}
    }
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    let mut ticks = interval(TICK);
    loop {
        tokio::select! {
            done = &mut work => {
                spinner.finish_and_clear();
                return done;
            }
            _ = ticks.tick() => spinner.tick(),
        }
    }
}
