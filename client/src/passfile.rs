//! A password file that never touches a disk: anonymous memory of this process, which other
//! processes of the same user can open by a path for as long as this one runs. kill -9 removes it
//! too. Where there is no such thing (macOS, Windows) there is no file.

use std::io;
use std::path::Path;

use borealis_proto::Credentials;

#[cfg(target_os = "linux")]
pub(crate) use linux::Passfile;
#[cfg(not(target_os = "linux"))]
pub(crate) use nowhere::Passfile;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{File, Permissions};
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use rustix::fs::{MemfdFlags, memfd_create};

    use super::{Credentials, Path, io};

    /// Gone on drop.
    #[derive(Debug)]
    pub(crate) struct Passfile {
        _memory: File,
        path: PathBuf,
    }

    impl Passfile {
        pub(crate) fn create(credentials: &Credentials) -> io::Result<Self> {
            let mut memory = File::from(memfd_create("pgpass", MemfdFlags::CLOEXEC)?);
            // libpq refuses what others might read.
            memory.set_permissions(Permissions::from_mode(0o600))?;
            // The database is left open, so that `\\c` and a second tool get in as well.
            memory.write_all(credentials.passfile_line("*").as_bytes())?;
            let (pid, number) = (std::process::id(), memory.as_raw_fd());
            let path = PathBuf::from(format!("/proc/{pid}/fd/{number}"));
            // Where /proc is not mounted, or hides us.
            path.metadata()?;
            Ok(Self { _memory: memory, path })
        }

        pub(crate) fn path(&self) -> &Path {
            &self.path
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use super::{Credentials, Path, io};

    /// There is none.
    #[derive(Debug)]
    pub(crate) enum Passfile {}

    impl Passfile {
        pub(crate) fn create(_credentials: &Credentials) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn path(&self) -> &Path {
            match *self {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use borealis_proto::Endpoint;

    use super::*;

    #[test]
    fn the_file_is_private_and_ends_with_its_owner() {
        let credentials = Credentials {
            endpoint: Endpoint { host: "127.0.0.1".into(), port: 15873, socket: None },
            database: "d1".into(),
            user: "u".into(),
            password: "secret".into(),
        };
        let line = credentials.passfile_line("*");
        let passfile = Passfile::create(&credentials).unwrap();
        let path = passfile.path().to_owned();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), line);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        drop(passfile);
        assert_ne!(std::fs::read_to_string(&path).unwrap_or_default(), line);
    }
}
