//! The files that make a cluster ours: quick (nothing is written through to the disk), TLS on,
//! passwords for everyone who comes by TCP, and a private socket for ourselves.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Error;
use crate::account::Owner;

const HBA: &str = "\
local all postgres trust
hostssl all all 127.0.0.1/32 scram-sha-256
hostnossl all all 127.0.0.1/32 scram-sha-256
";

pub(super) fn prepare_dir(dir: &Path, owner: Option<Owner>) -> io::Result<()> {
    std::fs::create_dir(dir)?;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    own(dir, owner)
}

pub(super) fn write(dir: &Path, port: u16, owner: Option<Owner>) -> Result<(), Error> {
    let certified =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    let files = [
        ("postgresql.conf", settings(dir, port)),
        ("pg_hba.conf", HBA.to_owned()),
        ("server.crt", certified.cert.pem()),
        ("server.key", certified.signing_key.serialize_pem()),
    ];
    for (name, content) in files {
        put(&dir.join("data").join(name), &content, owner)
            .map_err(|source| Error::Io { what: "write Postgres' configuration", source })?;
    }
    Ok(())
}

fn settings(dir: &Path, port: u16) -> String {
    let socket_dir = dir.display();
    format!(
        "listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_dir}'
max_connections = 400
shared_buffers = 64MB
max_wal_size = 1GB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum_naptime = 1h
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
password_encryption = scram-sha-256
log_connections = on
log_disconnections = on
log_line_prefix = '%m [%p] %u@%d '
"
    )
}

/// The key must be closed to others before it has content.
fn put(path: &Path, content: &str, owner: Option<Owner>) -> io::Result<()> {
    std::fs::write(path, "")?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    std::fs::write(path, content)?;
    own(path, owner)
}

fn own(path: &Path, owner: Option<Owner>) -> io::Result<()> {
    owner.map_or(Ok(()), |owner| owner.own(path))
}
