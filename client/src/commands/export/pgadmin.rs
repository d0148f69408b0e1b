//! pgAdmin's import: `Servers` by number. It keeps `passfile` only below `ConnectionParameters`,
//! and does not ask for a password then.

use std::path::Path;

use serde_json::{Value, json};

use super::Exported;

/// Colours of the tree: a server that can be written to should not look like one that cannot.
const READ_ONLY: &str = "#e6f4ea";
const READ_WRITE: &str = "#fce8e6";

pub(super) fn servers(exported: &Exported, passfile: Option<&Path>) -> Value {
    let (background, tag) = match exported.may_write() {
        true => (READ_WRITE, "#c5221f"),
        false => (READ_ONLY, "#188038"),
    };
    let mut parameters = json!({ "sslmode": "prefer", "connect_timeout": 10 });
    if let (Some(fields), Some(file)) = (parameters.as_object_mut(), passfile) {
        fields.insert("passfile".to_owned(), file.display().to_string().into());
    }
    let server = json!({
        "Name": exported.name,
        "Group": "Borealis",
        "Host": exported.host,
        "Port": exported.port,
        "MaintenanceDB": exported.database,
        "Username": exported.user,
        "BGColor": background,
        "Tags": [{ "text": exported.access.to_string(), "color": tag }],
        "ConnectionParameters": parameters,
    });
    json!({ "Servers": { "1": server } })
}
