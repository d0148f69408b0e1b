//! Finds the real servers the sandbox is made of. Distributions keep them off the `PATH` of
//! ordinary users, each in its own place, so the usual places are a table here.

use std::path::{Path, PathBuf};

/// Where Postgres' server programs live when not on the `PATH`; `*` is one version directory.
const POSTGRES_PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
];

/// Where OpenSSH's programs live when not on the `PATH`.
const SSH_PLACES: &[&str] = &[
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/opt/homebrew/sbin",
    "/opt/homebrew/bin",
];

/// The programs that a sandbox starts.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) initdb: PathBuf,
    pub(crate) postgres: PathBuf,
    pub(crate) sshd: PathBuf,
    pub(crate) ssh_keygen: PathBuf,
}

/// A program that is not installed, and what to install.
#[derive(Debug, thiserror::Error)]
#[error("{program} not found on the PATH nor in {places}; install {packages}")]
pub struct Missing {
    program: &'static str,
    places: String,
    packages: &'static str,
}

impl Programs {
    pub(crate) fn find() -> Result<Self, Missing> {
        let initdb = postgres_program("initdb")?;
        // Both must be of one version, so the server is the one beside initdb.
        let beside = initdb.canonicalize().ok().map(|real| real.with_file_name("postgres"));
        let postgres = match beside {
            Some(path) if path.is_file() => path,
            _ => postgres_program("postgres")?,
        };
        let sshd = ssh_program("sshd")?;
        let ssh_keygen = ssh_program("ssh-keygen")?;
        Ok(Self { initdb, postgres, sshd, ssh_keygen })
    }
}

fn postgres_program(program: &'static str) -> Result<PathBuf, Missing> {
    find(program, POSTGRES_PLACES).ok_or_else(|| Missing {
        program,
        places: POSTGRES_PLACES.join(", "),
        packages: "postgresql (Debian, Homebrew) or postgresql-server with postgresql-contrib \
                   (Fedora)",
    })
}

fn ssh_program(program: &'static str) -> Result<PathBuf, Missing> {
    find(program, SSH_PLACES).ok_or_else(|| Missing {
        program,
        places: SSH_PLACES.join(", "),
        packages: "openssh-server (Debian, Fedora) or openssh (Homebrew)",
    })
}

fn find(program: &str, places: &[&str]) -> Option<PathBuf> {
    // sshd insists on being started by an absolute path.
    if let Some(path) = which::which(program).ok().filter(|path| path.is_absolute()) {
        return Some(path);
    }
    in_places(Path::new("/"), program, places)
}

fn in_places(root: &Path, program: &str, places: &[&str]) -> Option<PathBuf> {
    places
        .iter()
        .flat_map(|place| expand(root, place))
        .map(|dir| dir.join(program))
        .find(|path| path.is_file())
}

/// The directories that a place with at most one `*` stands for, the newest version first.
fn expand(root: &Path, place: &str) -> Vec<PathBuf> {
    let place = place.trim_start_matches('/');
    let Some((before, after)) = place.split_once('*') else {
        return vec![root.join(place)];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = std::fs::read_dir(root.join(parent)) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect();
    found.sort_by_key(|name| std::cmp::Reverse(version(name)));
    let after = after.trim_start_matches('/');
    found.iter().map(|name| root.join(parent).join(name).join(after)).collect()
}

/// The number in a directory's name; a name without one (Homebrew's plain `postgresql`) comes last.
fn version(name: &str) -> u32 {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn finds_each_distributions_place_and_the_newest_version() {
        let table: &[(&[&str], &str)] = &[
            (
                &["usr/lib/postgresql/9/bin/initdb", "usr/lib/postgresql/15/bin/initdb"],
                "usr/lib/postgresql/15/bin/initdb",
            ),
            (&["usr/pgsql-16/bin/initdb", "usr/pgsql-17/bin/psql"], "usr/pgsql-16/bin/initdb"),
            (&["usr/bin/initdb"], "usr/bin/initdb"),
            (
                &[
                    "opt/homebrew/opt/postgresql@16/bin/initdb",
                    "opt/homebrew/opt/postgresql@17/bin/initdb",
                ],
                "opt/homebrew/opt/postgresql@17/bin/initdb",
            ),
        ];
        for (files, expected) in table {
            let root = tree(files);
            let found = in_places(root.path(), "initdb", POSTGRES_PLACES).unwrap();
            assert_eq!(found, root.path().join(expected));
        }
    }

    #[test]
    fn nothing_installed_is_nothing_found() {
        let root = tree(&["usr/lib/postgresql/15/bin/psql"]);
        assert_eq!(in_places(root.path(), "initdb", POSTGRES_PLACES), None);
    }

    #[test]
    fn the_error_names_program_and_package() {
        let missing = Missing { program: "sshd", places: "/usr/sbin".into(), packages: "openssh" };
        let text = missing.to_string();
        assert!(text.contains("sshd") && text.contains("install openssh"), "{text}");
    }
}
