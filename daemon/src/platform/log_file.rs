//! A log file with a bounded size: at 5 MiB it becomes `.1`, and the oldest of three goes.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use tracing_subscriber::fmt::MakeWriter;

/// Of one file, in bytes; a line longer than what is left still goes in whole.
const SIZE: usize = 5 * 1024 * 1024;

/// Older files that are kept beside the current one.
const OLDER: usize = 2;

thread_local! {
    /// Whether this thread is inside [`Writer::write`], where the lock is held.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// The file. Clones write to the same one.
#[derive(Clone)]
pub(super) struct LogFile {
    /// Guards the order of lines and the rotation between two of them.
    file: Arc<Mutex<FileRotate<AppendCount>>>,
}

impl LogFile {
    /// Opens it to append. Its directory must exist.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::with_size(path, SIZE)
    }

    fn with_size(path: &Path, size: usize) -> io::Result<Self> {
        let options = options();
        // `FileRotate` says nothing when it cannot open the file; this does.
        close_to_others(&options.open(path)?)?;
        let limit = ContentLimit::BytesSurpassed(size);
        let files = AppendCount::new(OLDER);
        let file = FileRotate::new(path, files, limit, Compression::None, Some(options));
        Ok(Self { file: Arc::new(Mutex::new(file)) })
    }

    /// Whether this thread is writing a line, so that another would wait for itself.
    pub(super) fn is_writing() -> bool {
        WRITING.get()
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
        written.unwrap_or_else(|_panic| Err(io::Error::other("the log file is gone")))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.file.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_takes_more_than_three_files() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("borealisd.log");
        let log = LogFile::with_size(&path, 1_000).unwrap();
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
        let log = LogFile::with_size(&path, 1).unwrap();
        for _ in 0..3 {
            writeln!(log.make_writer(), "a line").unwrap();
        }
        for entry in std::fs::read_dir(home.path()).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    /// Windows lets no directory vanish below an open file.
    #[cfg(unix)]
    #[test]
    fn it_goes_on_after_its_directory_vanished() {
        let home = tempfile::tempdir().unwrap();
        let inner = home.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let path = inner.join("borealisd.log");
        let log = LogFile::with_size(&path, 10).unwrap();
        std::fs::remove_dir_all(&inner).unwrap();
        // A file in its place: the directory cannot be made again.
        std::fs::write(&inner, "").unwrap();
        let mut failures = 0;
        for _ in 0..4 {
            failures += u32::from(log.make_writer().write(b"a line of text\n").is_err());
        }
        assert!(failures > 0 && !LogFile::is_writing());
        std::fs::remove_file(&inner).unwrap();
        std::fs::create_dir(&inner).unwrap();
        for _ in 0..4 {
            let _may_fail_once = log.make_writer().write(b"back again\n");
        }
        assert!(std::fs::read_to_string(&path).unwrap().contains("back again"));
    }
}
