//! systemd's user manager: a service, and a socket that starts it when somebody knocks.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::tool::Tool;
use super::{Error, Status, Steps};

const SERVICE: &str = "borealisd.service";
const SOCKET: &str = "borealisd.socket";

const SERVICE_TEXT: &str = include_str!("../../../../systemd/borealisd.service");
const SOCKET_TEXT: &str = include_str!("../../../../systemd/borealisd.socket");

/// Where a distribution's package, or an administrator, puts units for all users.
const SHARED: [&str; 4] = [
    "/etc/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user",
    "/lib/systemd/user",
];

/// One user's.
#[derive(Debug)]
pub struct Systemd {
    units: PathBuf,
    systemctl: Tool,
}

impl Systemd {
    /// Of the user whose environment this is; none without a home.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        let var = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let config = var("XDG_CONFIG_HOME").or_else(|| Some(var("HOME")?.join(".config")))?;
        Some(Self::new(config.join("systemd/user"), "systemctl"))
    }

    /// With the user's own units in a directory, spoken to through `systemctl`.
    #[must_use]
    pub fn new(units: PathBuf, systemctl: impl Into<OsString>) -> Self {
        Self { units, systemctl: Tool::new(systemctl, &["--user"]) }
    }

    pub(super) fn is_installed(&self) -> bool {
        let own = std::iter::once(self.units.as_path());
        own.chain(SHARED.iter().map(Path::new)).any(|place| place.join(SOCKET).exists())
    }

    pub(super) async fn install(&self, program: &Path, steps: &mut Steps) -> Result<(), Error> {
        let service = with_program(SERVICE_TEXT, program)?;
        // Nothing is written where nobody would read it.
        self.systemctl.ask(&["show", "--property=Version"]).await?;
        steps.write(self.units.join(SERVICE), &service)?;
        steps.write(self.units.join(SOCKET), SOCKET_TEXT)?;
        self.systemctl.run(&["daemon-reload"], steps).await?;
        Ok(self.systemctl.run(&["enable", SERVICE, SOCKET], steps).await?)
    }

    pub(super) async fn activate(&self, at_once: bool, steps: &mut Steps) -> Result<(), Error> {
        let running = self.status().await?.pid.is_some();
        if running && steps.changed_files() {
            // A socket cannot be changed below a service that uses it.
            self.systemctl.run(&["stop", SERVICE, SOCKET], steps).await?;
        }
        self.start(steps).await?;
        if at_once || running {
            self.systemctl.run(&["start", SERVICE], steps).await?;
        }
        Ok(())
    }

    pub(super) async fn start(&self, steps: &mut Steps) -> Result<(), Error> {
        Ok(self.systemctl.run(&["start", SOCKET], steps).await?)
    }

    pub(super) async fn uninstall(&self, steps: &mut Steps) -> Result<(), Error> {
        let ours = [SERVICE, SOCKET].map(|unit| self.units.join(unit));
        if !ours.iter().any(|unit| unit.exists()) {
            return Ok(());
        }
        self.systemctl.run(&["disable", "--now", SOCKET, SERVICE], steps).await?;
        for unit in ours {
            steps.remove(unit)?;
        }
        self.systemctl.run(&["daemon-reload"], steps).await?;
        // A service that had failed would be remembered. One that had not is unknown by now.
        let _unknown = self.systemctl.ask(&["reset-failed", SERVICE, SOCKET]).await;
        Ok(())
    }

    pub(super) async fn status(&self) -> Result<Status, Error> {
        let of_service = "--property=MainPID,UnitFileState,FragmentPath,ExecStart";
        let service = self.systemctl.ask(&["show", of_service, SERVICE]).await?;
        let of_socket = "--property=ActiveState,FragmentPath";
        let socket = self.systemctl.ask(&["show", of_socket, SOCKET]).await?;
        let path = |text| value(text, "FragmentPath").map(PathBuf::from);
        Ok(Status {
            files: path(&service).into_iter().chain(path(&socket)).collect(),
            program: value(&service, "ExecStart").and_then(program_of),
            enabled: value(&service, "UnitFileState") == Some("enabled"),
            listening: value(&socket, "ActiveState") == Some("active"),
            pid: value(&service, "MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid > 0),
        })
    }

    pub(super) async fn stop(&self) -> Result<(), Error> {
        self.systemctl.ask(&["stop", SERVICE]).await?;
        Ok(())
    }

    pub(super) async fn restart(&self) -> Result<(), Error> {
        self.systemctl.ask(&["restart", SERVICE]).await?;
        Ok(())
    }
}

/// A property that `systemctl show` prints, unless it is empty.
fn value<'a>(shown: &'a str, name: &str) -> Option<&'a str> {
    let values = shown.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    values.into_iter().find(|value| !value.is_empty())
}

/// `{ path=/x/borealisd ; argv[]=… }`
fn program_of(exec: &str) -> Option<String> {
    let (_, rest) = exec.split_once("path=")?;
    rest.split(" ; argv[]=").next().map(str::to_owned)
}

fn with_program(unit: &str, program: &Path) -> Result<String, Error> {
    let exec = exec_start(program).ok_or_else(|| Error::BadPath(program.to_owned()))?;
    let line = |line: &str| match line.strip_prefix("ExecStart=") {
        Some(_usual_place) => format!("ExecStart={exec}\n"),
        None => format!("{line}\n"),
    };
    Ok(unit.lines().map(line).collect())
}

/// In quotes, because of blanks; `%` begins a specifier. `$` is nothing special in a program's name.
/// A name with quotes or backslashes systemd takes in no form.
fn exec_start(program: &Path) -> Option<String> {
    let refused = |c: char| c.is_control() || matches!(c, '"' | '\'' | '\\');
    let text = program.to_str().filter(|text| !text.contains(refused))?;
    Some(format!("\"{}\"", text.replace('%', "%%")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_is_quoted_as_systemd_reads_it() {
        let table = [
            ("/usr/bin/borealisd", r#""/usr/bin/borealisd""#),
            ("/a b/100%/$d", r#""/a b/100%%/$d""#),
        ];
        for (path, text) in table {
            assert_eq!(exec_start(Path::new(path)).as_deref(), Some(text));
        }
        for refused in ["/a\nExecStartPre=/bin/rm", "/it's", "/a\"b", "/a\\b"] {
            assert_eq!(exec_start(Path::new(refused)), None, "{refused}");
        }
    }

    #[test]
    fn only_the_program_differs_from_the_unit_in_the_repository() {
        let unit = with_program(SERVICE_TEXT, Path::new("/x/borealisd")).unwrap();
        let changed: Vec<_> = unit
            .lines()
            .zip(SERVICE_TEXT.lines())
            .filter(|(ours, theirs)| ours != theirs)
            .collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].0, "ExecStart=\"/x/borealisd\"");
    }

    #[test]
    fn what_systemctl_shows() {
        let shown =
            "MainPID=0\nExecStart={ path=/a b/borealisd ; argv[]=/a b/borealisd ; x }\nX=\n";
        assert_eq!(value(shown, "MainPID"), Some("0"));
        assert_eq!(value(shown, "X"), None);
        let exec = value(shown, "ExecStart").and_then(program_of);
        assert_eq!(exec.as_deref(), Some("/a b/borealisd"));
    }
}
