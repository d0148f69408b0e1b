//! Config vars, among them the one string that carries the application users' whole credentials.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::World;
use super::state::{Addon, Attachment, Database, State};
use crate::postgres::roles::Login;

/// The public name whose address is 127.0.0.1.
const LOCAL_HOST: &str = "pg-tunnel.borealis-data.com";

impl World {
    pub(crate) fn config_vars(
        &self,
        state: &State,
        app: &str,
        api_base_url: &str,
    ) -> BTreeMap<String, String> {
        let mut vars = BTreeMap::new();
        for Attachment { name, addon, .. } in state.attachments_of_app(app) {
            let Some(addon) = state.addon(addon) else { continue };
            let Some(database) = &addon.database else {
                vars.insert(format!("{name}_URL"), "redis://localhost:6379".to_owned());
                continue;
            };
            vars.insert(format!("{name}_URL"), url(database, &database.writer));
            vars.insert(format!("{name}_READONLY_URL"), url(database, &database.reader));
            let items = self.items(addon, database, api_base_url);
            vars.insert(format!("{name}_TUNNEL_BPG_CONN_INFO"), conn_info(&items));
        }
        vars
    }

    fn items(
        &self,
        addon: &Addon,
        database: &Database,
        api_base_url: &str,
    ) -> Vec<(&'static str, String)> {
        let (ssh_host, ssh_port) = self.ssh_address();
        let host = "127.0.0.1".to_owned();
        vec![
            ("ADDON_ID", addon.id.clone()),
            ("API_BASE_URL", api_base_url.to_owned()),
            ("CLIENT_APP_JWT", database.app_jwt.clone()),
            ("POSTGRES_WRITER_HOST", host.clone()),
            ("POSTGRES_READER_HOST", host),
            ("POSTGRES_PORT", self.cluster.port().to_string()),
            ("POSTGRES_DB_NAME", database.name.clone()),
            ("POSTGRES_WRITER_USERNAME", database.writer.name.clone()),
            ("POSTGRES_WRITER_PASSWORD", database.writer.password.clone()),
            ("POSTGRES_READER_USERNAME", database.reader.name.clone()),
            ("POSTGRES_READER_PASSWORD", database.reader.password.clone()),
            ("SSH_HOST", ssh_host),
            ("SSH_PORT", ssh_port.to_string()),
            ("SSH_PUBLIC_HOST_KEY", self.sshd.announced_host_key()),
            ("SSH_USERNAME", self.ssh_username().to_owned()),
            ("SSH_USER_PRIVATE_KEY", database.app_key.private.clone()),
        ]
    }
}

/// `KEY:=value` items joined by `|`; a line break is the two characters `\n`.
fn conn_info(items: &[(&str, String)]) -> String {
    let item = |(key, value): &(&str, String)| format!("{key}:={}", value.replace('\n', "\\n"));
    items.iter().map(item).collect::<Vec<_>>().join("|")
}

fn url(database: &Database, login: &Login) -> String {
    let password = utf8_percent_encode(&login.password, NON_ALPHANUMERIC);
    format!("postgres://{}:{password}@{LOCAL_HOST}:5432/{}", login.name, database.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conn_info_as_documented() {
        let items = [
            ("SSH_HOST", "127.0.0.1".to_owned()),
            ("POSTGRES_WRITER_PASSWORD", "a:=b%'".to_owned()),
            ("SSH_USER_PRIVATE_KEY", "-----BEGIN-----\nAAAA\n-----END-----\n".to_owned()),
        ];
        assert_eq!(
            conn_info(&items),
            "SSH_HOST:=127.0.0.1|POSTGRES_WRITER_PASSWORD:=a:=b%'|\
             SSH_USER_PRIVATE_KEY:=-----BEGIN-----\\nAAAA\\n-----END-----\\n"
        );
    }
}
