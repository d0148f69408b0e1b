//! libpq's service file.

use std::path::Path;

use super::Exported;

/// A section of `pg_service.conf`.
pub(super) fn service(exported: &Exported, passfile: Option<&Path>) -> String {
    let Exported { host, port, database, user, .. } = exported;
    let name = service_name(exported);
    let section = format!("[{name}]\nhost={host}\nport={port}\ndbname={database}\nuser={user}\n");
    match passfile {
        Some(file) => format!("{section}passfile={}\n", file.display()),
        None => section,
    }
}

/// Without a blank: `psql service=…` should need no quotes within quotes.
pub(super) fn service_name(exported: &Exported) -> String {
    exported.name.replace(' ', "/")
}
