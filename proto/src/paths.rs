//! Where things live. Client and daemon must find the same socket without asking each other.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::settings::Settings;

/// Every path that the two programs use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The control socket, or the name of the pipe.
    pub socket: PathBuf,
    /// Holds the state file, the lock and the log. Ours alone, 0700.
    pub state_dir: PathBuf,
}

/// A path that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PathsError {
    /// Neither settings nor system say where the user's files are.
    #[error("no home directory: set BOREALIS_STATE_DIR")]
    NoHome,
    /// The kernel keeps socket paths in a small fixed field.
    #[error("the socket's path {path} has {length} bytes, at most {MAX_SOCKET} fit: set BOREALIS_SOCKET", path = path.display())]
    SocketTooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
}

/// `sun_path` with its final zero: 108 on Linux, 104 on macOS and the BSDs.
const MAX_SOCKET: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

impl Paths {
    /// The settings file: `BOREALIS_CONFIG`, else `config.toml` in the user's config directory.
    #[must_use]
    pub fn config_file(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        // Daemon and client must not differ about an empty one.
        env("BOREALIS_CONFIG")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .or_else(|| Some(project_dirs()?.config_dir().join("config.toml")))
    }

    /// From the settings, else from the system's own places.
    ///
    /// # Errors
    /// When there is no home directory, or the socket's path is too long for the kernel.
    pub fn resolve(settings: &Settings) -> Result<Self, PathsError> {
        let system = project_dirs();
        let state_dir = match (&settings.state_dir, &system) {
            (Some(dir), _) => dir.clone(),
            (None, Some(dirs)) => dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned(),
            (None, None) => return Err(PathsError::NoHome),
        };
        let runtime_dir = || {
            let told = system.as_ref().and_then(ProjectDirs::runtime_dir);
            told.map(Path::to_owned).or_else(runtime_dir_of_user)
        };
        let socket = match &settings.socket {
            Some(path) => path.clone(),
            None => default_socket(runtime_dir().as_deref(), &state_dir),
        };
        let length = socket.as_os_str().len();
        if cfg!(unix) && length > MAX_SOCKET {
            return Err(PathsError::SocketTooLong { path: socket, length });
        }
        Ok(Self { socket, state_dir })
    }

    /// Wanted sessions.
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.state_dir.join("sessions.json")
    }

    /// Held by the one daemon that serves.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        self.state_dir.join("borealisd.lock")
    }

    /// The log, where there is no journal.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.state_dir.join("borealisd.log")
    }
}

/// A path as one word of a command that people are told to type. On macOS every directory of ours
/// has a blank in its name.
#[must_use]
pub fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    if cfg!(windows) {
        return if text.contains(' ') { format!("\"{text}\"") } else { text };
    }
    match shlex::try_quote(&text) {
        Ok(word) => word.into_owned(),
        // A NUL, which no path has.
        Err(_nul) => text,
    }
}

fn project_dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("com", "borealis-data", "borealis")
}

/// Where systemd keeps what `XDG_RUNTIME_DIR` names, for shells that are told of no such thing, as
/// those of cron and of `sudo -u`: they want the daemon that the desktop has.
#[cfg(target_os = "linux")]
fn runtime_dir_of_user() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;

    let user = rustix::process::geteuid().as_raw();
    let dir = PathBuf::from(format!("/run/user/{user}"));
    let ours = std::fs::metadata(&dir).is_ok_and(|found| found.is_dir() && found.uid() == user);
    ours.then(|| dir.join("borealis"))
}

#[cfg(not(target_os = "linux"))]
fn runtime_dir_of_user() -> Option<PathBuf> {
    None
}

/// A directory of its own, so that its mode keeps other users out. Never below `/tmp`, where
/// anybody may squat on a name.
#[cfg(unix)]
fn default_socket(runtime_dir: Option<&Path>, state_dir: &Path) -> PathBuf {
    runtime_dir.unwrap_or(&state_dir.join("run")).join("borealisd.sock")
}

/// Pipes live in one flat namespace for all users; the name only has to be different for each.
#[cfg(windows)]
fn default_socket(_runtime_dir: Option<&Path>, _state_dir: &Path) -> PathBuf {
    let user = std::env::var("USERNAME").unwrap_or_default();
    PathBuf::from(format!(r"\\.\pipe\borealisd-{user}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(socket: Option<&str>, state_dir: &str) -> Settings {
        Settings {
            socket: socket.map(PathBuf::from),
            state_dir: Some(PathBuf::from(state_dir)),
            ..Settings::default()
        }
    }

    #[test]
    fn settings_win() {
        let paths = Paths::resolve(&with(Some("/s/a.sock"), "/s")).unwrap();
        assert_eq!(paths.socket, Path::new("/s/a.sock"));
        assert_eq!(paths.state_file(), Path::new("/s/sessions.json"));
    }

    #[cfg(unix)]
    #[test]
    fn without_a_runtime_directory_the_socket_is_beside_the_state() {
        assert_eq!(default_socket(None, Path::new("/s")), Path::new("/s/run/borealisd.sock"));
        let runtime = default_socket(Some(Path::new("/run/user/1/borealis")), Path::new("/s"));
        assert_eq!(runtime, Path::new("/run/user/1/borealis/borealisd.sock"));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_the_kernel_would_cut_is_refused() {
        let long = format!("/{}", "x".repeat(MAX_SOCKET));
        let error = Paths::resolve(&with(Some(&long), "/s")).unwrap_err();
        assert!(error.to_string().contains("BOREALIS_SOCKET"), "{error}");
    }
}
