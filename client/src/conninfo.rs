//! A session's credentials as programs want them: libpq's variables, and a URL.

use std::net::Ipv6Addr;

use borealis_proto::Credentials;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::process::Command;

use crate::passfile::Passfile;

/// RFC 3986's "unreserved": all else is encoded, wherever in the URL it stands.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Variables that would turn libpq away from the host and the user that we set, or have it refuse
/// a server that is not of the kind it asks for.
///
/// Certificates are checked for databases elsewhere: here the host key of the SSH server says who it
/// is, and no certificate is for 127.0.0.1. With a root certificate, libpq checks them unasked.
const MISLEADING: [&str; 4] = ["PGHOSTADDR", "PGSERVICE", "PGTARGETSESSIONATTRS", "PGSSLROOTCERT"];

/// What a program was given to log in with. Its password file is gone when this is.
#[derive(Debug)]
pub(crate) struct Handed {
    _passfile: Option<Passfile>,
}

impl Handed {
    /// Gives a program all that it needs through its environment, and nothing through arguments,
    /// which every user of the machine can read.
    pub(crate) fn to(command: &mut Command, credentials: &Credentials) -> Self {
        command.envs(environment(credentials));
        for name in misleading(|name| std::env::var(name).ok()) {
            command.env_remove(name);
        }
        // Without it there is still PGPASSWORD.
        let passfile = Passfile::create(credentials).ok();
        if let Some(passfile) = &passfile {
            command.env("PGPASSFILE", passfile.path());
        }
        Self { _passfile: passfile }
    }
}

/// Those of our own variables that are of no use to a program that talks to a session.
pub(crate) fn misleading(var: impl Fn(&str) -> Option<String>) -> Vec<&'static str> {
    let set = |name: &&str| var(name).is_some();
    let verifies = var("PGSSLMODE").is_some_and(|mode| mode.starts_with("verify-"));
    let mode = verifies.then_some("PGSSLMODE");
    MISLEADING.into_iter().filter(set).chain(mode).collect()
}

/// The variables that libpq reads, and the one that most else does.
pub(crate) fn environment(credentials: &Credentials) -> [(&'static str, String); 6] {
    let Credentials { endpoint, database, user, password } = credentials;
    [
        ("PGHOST", endpoint.host.clone()),
        ("PGPORT", endpoint.port.to_string()),
        ("PGDATABASE", database.clone()),
        ("PGUSER", user.clone()),
        ("PGPASSWORD", password.clone()),
        ("DATABASE_URL", url(credentials)),
    ]
}

/// `postgres://user:password@host:port/database`
pub(crate) fn url(credentials: &Credentials) -> String {
    let encode = |text| utf8_percent_encode(text, RESERVED);
    let host = &credentials.endpoint.host;
    let host = match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_not_ipv6) => host.clone(),
    };
    format!(
        "postgres://{user}:{password}@{host}:{port}/{database}",
        user = encode(&credentials.user),
        password = encode(&credentials.password),
        port = credentials.endpoint.port,
        database = encode(&credentials.database),
    )
}

#[cfg(test)]
mod tests {
    use borealis_proto::Endpoint;

    use super::*;

    fn credentials(host: &str, password: &str) -> Credentials {
        Credentials {
            endpoint: Endpoint { host: host.into(), port: 15873, socket: None },
            database: "d1".into(),
            user: "p_ro_ab12".into(),
            password: password.into(),
        }
    }

    #[test]
    fn every_password_makes_a_url() {
        let table = [
            ("plain", "plain"),
            ("a:b@c/d?e#f", "a%3Ab%40c%2Fd%3Fe%23f"),
            ("100% \"ü'", "100%25%20%22%C3%BC%27"),
            ("safe-._~", "safe-._~"),
        ];
        for (password, encoded) in table {
            let expected = format!("postgres://p_ro_ab12:{encoded}@127.0.0.1:15873/d1");
            assert_eq!(url(&credentials("127.0.0.1", password)), expected);
        }
    }

    #[test]
    fn what_is_set_for_other_databases_does_not_count() {
        let table = [
            ("PGUSER=rolls", ""),
            ("PGSERVICE=other PGTARGETSESSIONATTRS=read-write", "PGSERVICE PGTARGETSESSIONATTRS"),
            ("PGSSLMODE=require", ""),
            ("PGSSLMODE=require PGSSLROOTCERT=ca.pem", "PGSSLROOTCERT"),
            ("PGSSLMODE=verify-full", "PGSSLMODE"),
            ("PGSSLMODE=verify-ca PGSSLROOTCERT=ca.pem", "PGSSLROOTCERT PGSSLMODE"),
            ("PGSSLROOTCERT=system", "PGSSLROOTCERT"),
        ];
        for (set, away) in table {
            let pairs = || set.split(' ').filter_map(|pair| pair.split_once('='));
            let var = |name: &str| pairs().find(|(one, _)| *one == name).map(|(_, to)| to.into());
            assert_eq!(misleading(var).join(" "), away, "{set}");
        }
    }

    #[test]
    fn an_ipv6_host_has_brackets() {
        assert!(url(&credentials("::1", "x")).contains("@[::1]:15873/"));
    }
}
