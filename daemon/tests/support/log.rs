//! What a server writes, to wait for.

use std::io::{BufRead, BufReader};
use std::process::ChildStderr;

use tokio::sync::watch;
use tokio::time::timeout;

use super::PATIENCE;

/// All that a server wrote so far.
pub(crate) struct Log(watch::Receiver<String>);

impl Log {
    /// Reads until the last process that holds the pipe has ended.
    pub(crate) fn follow(stderr: ChildStderr) -> Self {
        let (sender, log) = watch::channel(String::new());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                sender.send_modify(|log| {
                    log.push_str(&line);
                    log.push('\n');
                });
            }
        });
        Self(log)
    }

    pub(crate) fn text(&self) -> String {
        self.0.borrow().clone()
    }

    /// Waits until that is in it.
    pub(crate) async fn wait_for(&mut self, text: &str) {
        let written = self.0.wait_for(|log| log.contains(text));
        let seen = matches!(timeout(PATIENCE, written).await, Ok(Ok(_)));
        assert!(seen, "the server never wrote {text:?}:\n{}", self.text());
    }
}
