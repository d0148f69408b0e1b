//! A log file with a bounded size: at 5 MiB it becomes `.1`, and the oldest of three goes.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

/// Of one file, in bytes; a line longer than what is left still goes in whole.
const SIZE: usize = 5 * 1024 * 1024;

/// Older files that are kept beside the current one.
const OLDER: usize = 2;

/// Between two tries to open it.
const AGAIN: Duration = Duration::from_secs(1);

thread_local! {
    /// Whether this thread is inside [`Writer::write`], where the lock is held.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// The file. Clones write to the same one.
#[derive(Clone)]
pub(super) struct LogFile {
    /// Guards the order of lines and the rotation between two of them.
    file: Arc<Mutex<Inner>>,
}

struct Inner {
    path: PathBuf,
    size: usize,
    /// `None` while it cannot be opened.
    open: Option<FileRotate<AppendCount>>,
    /// When that was last tried.
    tried_at: Instant,
    /// Lines that could not be written since one last was.
    lost: u64,
}

impl LogFile {
    /// Opens it to append. Its directory must exist. One that cannot be opened is tried again with
    /// later lines.
    pub(super) fn open(path: &Path) -> (Self, Option<io::Error>) {
        Self::with_size(path, SIZE)
    }

    fn with_size(path: &Path, size: usize) -> (Self, Option<io::Error>) {
        let path = path.to_owned();
        let mut inner = Inner { path, size, open: None, tried_at: Instant::now(), lost: 0 };
        let trouble = inner.try_open().err();
        (Self { file: Arc::new(Mutex::new(inner)) }, trouble)
    }

    /// Whether this thread is writing a line, so that another would wait for itself.
    pub(super) fn is_writing() -> bool {
        WRITING.get()
    }
}

impl Inner {
    fn try_open(&mut self) -> io::Result<()> {
        self.tried_at = Instant::now();
        let options = options();
        // `FileRotate` says nothing when it cannot open the file; this does.
        let file = options.open(&self.path)?;
        if !file.metadata()?.is_file() {
            // A pipe would make us wait for whoever does not read it.
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
        }
        close_to_others(&file)?;
        let limit = ContentLimit::BytesSurpassed(self.size);
        let files = AppendCount::new(OLDER);
        self.open =
            Some(FileRotate::new(&self.path, files, limit, Compression::None, Some(options)));
        Ok(())
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        // Somebody has removed it: what is written there now, nobody will read.
        if !self.path.exists() {
            self.open = None;
        }
        if self.open.is_none() {
            if self.lost > 0 && self.tried_at.elapsed() < AGAIN {
                return Err(io::ErrorKind::NotFound.into());
            }
            self.try_open()?;
        }
        let Some(file) = &mut self.open else { return Err(io::ErrorKind::NotFound.into()) };
        if self.lost > 0 {
            let (now, lost) = (jiff::Timestamp::now(), self.lost);
            writeln!(file, "{now}  WARN {lost} lines could not be written")?;
            self.lost = 0;
        }
        file.write_all(line)
    }
}

#[cfg(unix)]
fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = OpenOptions::new();
    let no_links = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    options.read(true).create(true).append(true).mode(0o600).custom_flags(no_links);
    options
}

#[cfg(not(unix))]
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).create(true).append(true);
    options
}

/// The mode above only counts for a new file.
#[cfg(unix)]
fn close_to_others(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn close_to_others(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Writer<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Writer(self)
    }
}

/// Writes one line.
pub(super) struct Writer<'a>(&'a LogFile);

impl Write for Writer<'_> {
    /// `FileRotate` panics when its directory vanishes; a daemon must outlive its log.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut file = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        WRITING.set(true);
        let written = catch_unwind(AssertUnwindSafe(|| file.write(line)));
        WRITING.set(false);
        let gone = |_panic| Err(io::Error::other("the log file is gone"));
        let written = written.unwrap_or_else(gone);
        if written.is_err() {
            file.lost += 1;
        }
        written.map(|()| line.len())
    }

    /// Each line goes to the system at once.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_takes_more_than_three_files() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("borealisd.log");
        let log = LogFile::with_size(&path, 1_000).0;
        for number in 0..1_000 {
            writeln!(log.make_writer(), "line {number:04}").unwrap();
        }
        let mut sizes = Vec::new();
        for entry in std::fs::read_dir(home.path()).unwrap() {
            sizes.push(entry.unwrap().metadata().unwrap().len());
        }
        assert_eq!(sizes.len(), 3, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size < 1_100), "{sizes:?}");
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("line 0999\n"));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("borealisd.log");
        std::fs::write(&path, "old\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let log = LogFile::with_size(&path, 1).0;
        for _ in 0..3 {
            writeln!(log.make_writer(), "a line").unwrap();
        }
        for entry in std::fs::read_dir(home.path()).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_are_refused() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let home = tempfile::tempdir().unwrap();
        let (precious, link) = (home.path().join("precious"), home.path().join("link"));
        std::fs::write(&precious, "keep").unwrap();
        std::os::unix::fs::symlink(&precious, &link).unwrap();
        assert!(LogFile::open(&link).1.is_some());
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "keep");
        let pipe = home.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(LogFile::open(&pipe).1.is_some());
    }

    /// Windows lets no directory vanish below an open file.
    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn it_goes_on_after_its_directory_vanished_and_says_what_was_lost() {
        let home = tempfile::tempdir().unwrap();
        let inner = home.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let path = inner.join("borealisd.log");
        let log = LogFile::with_size(&path, 1_000).0;
        writeln!(log.make_writer(), "before").unwrap();
        std::fs::remove_dir_all(&inner).unwrap();
        // A file in its place: the directory cannot be made again.
        std::fs::write(&inner, "").unwrap();
        for _ in 0..4 {
            assert!(log.make_writer().write(b"a line of text\n").is_err());
        }
        assert!(!LogFile::is_writing());
        std::fs::remove_file(&inner).unwrap();
        std::fs::create_dir(&inner).unwrap();
        tokio::time::advance(AGAIN).await;
        log.make_writer().write_all(b"back again\n").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("4 lines could not be written\nback again\n"), "{text}");
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn one_that_cannot_be_opened_at_first_is_tried_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("later/borealisd.log");
        let (log, trouble) = LogFile::open(&path);
        assert_eq!(trouble.unwrap().kind(), io::ErrorKind::NotFound);
        assert!(log.make_writer().write(b"lost\n").is_err());
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        tokio::time::advance(AGAIN).await;
        log.make_writer().write_all(b"kept\n").unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("kept\n"));
    }
}
