//! A client as a process: what goes in, what comes out, and how long it may take.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What a client may take that waits for a tunnel (8 s), finds a silent network out (20 s), and then
/// works on a busy machine. Longer is hung.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Why a client did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It said so. Right while a fault lasts, and wrong in fair weather.
    Failed(String),
    /// It said so, and that was meant or may be.
    Excused(String),
    /// It said that all is well, and it is not.
    Wrong(String),
    /// It said nothing.
    Hung(String),
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// `None`: by a signal.
    pub(super) code: Option<i32>,
    pub(super) out: Vec<u8>,
    pub(super) err: String,
}

impl Ended {
    /// What it wrote, if it ended well.
    pub(super) fn ok(self) -> Result<Vec<u8>, Trouble> {
        match self.code {
            Some(0) => Ok(self.out),
            _ => Err(Trouble::Failed(self.complaint())),
        }
    }

    /// The exit code and the line that says what went wrong.
    fn complaint(&self) -> String {
        let code = self.code.map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"));
        format!("{code}: {}", pattern(telling(&self.err)))
    }
}

/// Starts it. Ctrl+C in a terminal is for the soak alone, and a child never outlives its handle.
pub(super) fn spawn(mut command: Command) -> Result<Child, Trouble> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command.spawn().map_err(|error| Trouble::Failed(format!("cannot start: {error}")))
}

/// Runs it to its end.
pub(super) async fn run(command: Command, input: &[u8]) -> Result<Ended, Trouble> {
    finish(spawn(command)?, input).await
}

/// Feeds a child and waits for its end; one that takes longer than [`LIMIT`] is killed.
pub(super) async fn finish(child: Child, input: &[u8]) -> Result<Ended, Trouble> {
    timeout(LIMIT, end(child, input))
        .await
        .map_err(|_| Trouble::Hung(format!("nothing after {LIMIT:?}")))?
}

async fn end(mut child: Child, input: &[u8]) -> Result<Ended, Trouble> {
    let lost = |error: std::io::Error| Trouble::Failed(format!("its pipes broke: {error}"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program that ends before it has read everything says why by its exit code.
            drop(stdin.write_all(input).await);
        }
        Ok(0)
    };
    let read_out = async {
        match stdout {
            Some(mut pipe) => pipe.read_to_end(&mut out).await,
            None => Ok(0),
        }
    };
    let read_err = async {
        match stderr {
            Some(mut pipe) => pipe.read_to_end(&mut err).await,
            None => Ok(0),
        }
    };
    tokio::try_join!(feed, read_out, read_err).map_err(lost)?;
    let status = child.wait().await.map_err(lost)?;
    Ok(Ended { code: status.code(), out, err: String::from_utf8_lossy(&err).into_owned() })
}

/// Sends a signal, if it still runs.
pub(super) fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = child.id() {
        kill(pid, signal);
    }
}

/// Sends a signal to a process.
pub(super) fn kill(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that has just ended is what was wanted.
    let _sent = pid.map(|pid| kill_process(pid, signal));
}

/// The line of all those on stderr that tells most.
fn telling(text: &str) -> &str {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let speaks = |line: &&str| ["FATAL", "ERROR", "error:"].iter().any(|word| line.contains(word));
    lines().find(speaks).or_else(|| lines().next()).unwrap_or("nothing on stderr")
}

/// The same text for the same trouble: figures and names that differ each time are left out.
fn pattern(line: &str) -> String {
    let mut text = String::new();
    for letter in line.chars().take(200) {
        match letter {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn what_goes_in_and_what_comes_out() {
        let ended = run(shell("cat"), b"maki").await.unwrap();
        assert_eq!(ended.ok(), Ok(b"maki".to_vec()));
        let ended = run(shell("echo NOTICE: hm >&2; echo 'FATAL: port 5432' >&2; exit 3"), b"");
        let said = ended.await.unwrap().ok();
        assert_eq!(said, Err(Trouble::Failed("exit 3: FATAL: port #".to_owned())));
    }

    #[tokio::test]
    async fn a_program_that_does_not_read_is_not_waited_for() {
        let much = vec![b'x'; 1 << 20];
        assert!(run(shell("exit 0"), &much).await.unwrap().ok().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_takes_too_long_is_hung() {
        let hung = run(shell("sleep 1000"), b"").await;
        assert!(matches!(hung, Err(Trouble::Hung(_))), "{hung:?}");
    }
}
