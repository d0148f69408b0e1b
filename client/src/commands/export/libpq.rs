//! libpq's two files: services, and passwords.

use borealis_proto::Credentials;

use super::Exported;

/// A section of `pg_service.conf`.
pub(super) fn service(exported: &Exported) -> String {
    let Exported { host, port, database, user, .. } = exported;
    let name = service_name(exported);
    format!("[{name}]\nhost={host}\nport={port}\ndbname={database}\nuser={user}\n")
}

/// Without a blank: `psql service=…` should need no quotes within quotes.
pub(super) fn service_name(exported: &Exported) -> String {
    exported.name.replace(' ', "/")
}

/// A line of `.pgpass`.
pub(super) fn password_line(credentials: &Credentials) -> String {
    let Credentials { endpoint, database, user, password } = credentials;
    let fields =
        [&endpoint.host, &endpoint.port.to_string(), database, user, password].map(|f| escaped(f));
    format!("{}\n", fields.join(":"))
}

fn escaped(field: &str) -> String {
    field.replace('\\', r"\\").replace(':', r"\:")
}
