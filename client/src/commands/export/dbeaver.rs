//! DBeaver's `data-sources*.json`: a connection by its id, which stays the same for a session, so
//! that a second import replaces the first.

use serde_json::{Value, json};

use super::Exported;

pub(super) fn data_sources(exported: &Exported) -> Value {
    let Exported { host, port, database, user, .. } = exported;
    let connection = json!({
        "provider": "postgresql",
        "driver": "postgres-jdbc",
        "name": exported.name,
        "folder": "Borealis",
        "save-password": false,
        "read-only": !exported.may_write(),
        "configuration": {
            "host": host,
            "port": port.to_string(),
            "database": database,
            "user": user,
            "url": format!("jdbc:postgresql://{host}:{port}/{database}"),
            "configurationType": "MANUAL",
            "type": if exported.may_write() { "prod" } else { "dev" },
            // It takes the password from libpq's password file.
            "auth-model": "postgres_pgpass",
        },
    });
    let id = format!("postgres-jdbc-borealis-{}", exported.id);
    json!({ "folders": { "Borealis": {} }, "connections": { id: connection } })
}
