//! Where log lines go, and what may never stand in them.
//!
//! Under systemd they go to the journal with their fields; at a terminal to stderr; else to a file
//! that cannot grow without end.
//!
//! `BOREALIS_LOG` chooses how much our own code says. It has no power over other people's crates:
//! at debug level russh prints packet bytes and the HTTP crates print headers, that is passwords
//! and tokens. They are held at a level where they do not, whatever the filter says.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, ParseError, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use super::log_file::LogFile;

/// Without `BOREALIS_LOG`.
const DEFAULT_FILTER: &str = "info";

/// Our crates: their secrets are in `Secret<T>`, whose `Debug` says nothing.
const OURS: [&str; 2] = ["borealisd", "borealis_proto"];

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPlace {
    /// The system's journal.
    Journal,
    /// The terminal in front of which somebody started us.
    Stderr,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal => f.write_str("journal"),
            Self::Stderr => f.write_str("stderr"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// There is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter makes no sense.
    #[error("BOREALIS_LOG is not a log filter (try info or debug)")]
    Filter(#[source] ParseError),
    /// Called twice in one process.
    #[error("the log is set up already")]
    Twice(#[source] TryInitError),
}

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Sends all log lines of the process, and its panics, to the best place there is. A file that
/// cannot be written is no reason not to serve: it is said beside the place, and tried again.
///
/// # Errors
/// When the filter is malformed.
pub fn init(filter: Option<&str>, file: &Path) -> Result<(LogPlace, Option<io::Error>), LogError> {
    let wanted =
        EnvFilter::builder().parse(filter.unwrap_or(DEFAULT_FILTER)).map_err(LogError::Filter)?;
    let (place, layer, trouble) = best_place(file);
    let filter = wanted.and(filter_fn(may_be_logged));
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .map_err(LogError::Twice)?;
    log_panics();
    Ok((place, trouble))
}

fn best_place(file: &Path) -> (LogPlace, BoxedLayer, Option<io::Error>) {
    if let Some(layer) = journal() {
        return (LogPlace::Journal, layer, None);
    }
    if io::stderr().is_terminal() {
        let layer = tracing_subscriber::fmt::layer().log_internal_errors(false);
        let layer = layer.with_writer(io::stderr);
        return (LogPlace::Stderr, layer.boxed(), None);
    }
    let (writer, trouble) = LogFile::open(file);
    // Without the crate's own complaint when a line cannot be written: it panics where stderr is on
    // the same full disk.
    let layer = tracing_subscriber::fmt::layer().log_internal_errors(false);
    let layer = layer.with_ansi(false).with_writer(writer);
    (LogPlace::File(file.to_owned()), layer.boxed(), trouble)
}

/// systemd sets the variable when stderr is the journal; then fields can be sent beside the text.
#[cfg(target_os = "linux")]
fn journal() -> Option<BoxedLayer> {
    let named = std::env::var("JOURNAL_STREAM").ok()?;
    if !is_ours(&named, &io::stderr()) {
        return None;
    }
    let layer = tracing_journald::layer().ok()?;
    Some(layer.with_syslog_identifier("borealisd".to_owned()).boxed())
}

/// Whether a file is the one that is named, by device and inode: the variable is inherited by who
/// writes elsewhere, from a desktop's terminal for one.
#[cfg(target_os = "linux")]
fn is_ours(named: &str, file: &impl std::os::fd::AsFd) -> bool {
    use std::os::linux::fs::MetadataExt;
    let copy = file.as_fd().try_clone_to_owned().map(std::fs::File::from);
    let here = copy.and_then(|file| file.metadata());
    here.is_ok_and(|here| named == format!("{}:{}", here.st_dev(), here.st_ino()))
}

#[cfg(not(target_os = "linux"))]
fn journal() -> Option<BoxedLayer> {
    None
}

fn may_be_logged(line: &Metadata<'_>) -> bool {
    line.level() <= &loudest(line.target())
}

/// The level above which a crate is silenced. Unknown crates are not trusted.
fn loudest(target: &str) -> Level {
    let root = target.split("::").next().unwrap_or(target);
    if OURS.contains(&root) {
        Level::TRACE
    } else if target == "russh::client::encrypted" {
        // Its warnings are the server's words, uncut, as often as that likes.
        Level::ERROR
    } else if root == "russh" {
        Level::WARN
    } else {
        Level::INFO
    }
}

/// A panic in a task ends the task and not the daemon, so it must not pass unseen.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = message_of(panic.payload());
        // Only where RUST_BACKTRACE asks for it. It has names, and no values.
        let trace = std::backtrace::Backtrace::capture();
        // A panic inside the log cannot be logged.
        if !LogFile::is_writing() {
            tracing::error!(place, message, "panic");
        }
        // Nobody may be listening there.
        let _unheard = writeln!(io::stderr(), "borealisd: panic at {place}: {message}\n{trace}");
    }));
}

/// A text from the program itself. One that was put together may have values in it, and a value may
/// be a secret: some of the standard library's messages quote the string that they are about.
fn message_of(payload: &(dyn std::any::Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("(its message may quote data)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_journal_that_was_inherited_is_somebody_elses() {
        use std::os::linux::fs::MetadataExt;
        let (one, other) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let at = one.metadata().unwrap();
        let named = format!("{}:{}", at.st_dev(), at.st_ino());
        assert!(is_ours(&named, &one));
        assert!(!is_ours(&named, &other) && !is_ours("", &one));
    }

    #[test]
    fn only_our_own_crates_may_be_loud() {
        let table = [
            ("borealisd::tunnel::supervisor", Level::TRACE),
            ("borealisd", Level::TRACE),
            ("borealis_proto", Level::TRACE),
            ("borealisd_evil", Level::INFO),
            ("russh::client", Level::WARN),
            ("russh", Level::WARN),
            ("russh::client::encrypted", Level::ERROR),
            ("hyper_util::client", Level::INFO),
            ("reqwest::connect", Level::INFO),
            ("h2", Level::INFO),
            ("", Level::INFO),
        ];
        for (target, level) in table {
            assert_eq!(loudest(target), level, "{target}");
        }
    }

    #[test]
    fn no_filter_makes_another_crate_louder() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("borealisd.log");
        let (writer, trouble) = LogFile::open(&path);
        assert!(trouble.is_none());
        let wanted = EnvFilter::builder().parse("trace,russh=trace,russh::cipher=trace").unwrap();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
        let filter = wanted.and(filter_fn(may_be_logged));
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "russh::cipher", "canary-russh");
            tracing::info!(target: "russh", "canary-russh");
            tracing::debug!(target: "hyper::proto", "canary-hyper");
            tracing::warn!(target: "russh", "said-by-russh");
            tracing::trace!(target: "borealisd::tunnel", "said-by-us");
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("said-by-russh") && text.contains("said-by-us"), "{text}");
    }

    #[test]
    fn a_panic_does_not_quote() {
        let quoting = std::panic::catch_unwind(|| {
            let secret = std::hint::black_box("canary-é");
            secret.split_at(8).0.len()
        });
        assert_eq!(message_of(&*quoting.unwrap_err()), "(its message may quote data)");
        let plain = std::panic::catch_unwind(|| panic!("what the program says"));
        assert_eq!(message_of(&*plain.unwrap_err()), "what the program says");
    }

    #[test]
    fn a_malformed_filter_is_named() {
        let error = init(Some("info,=,=="), Path::new("/nowhere")).unwrap_err();
        assert!(matches!(error, LogError::Filter(_)), "{error}");
    }
}
