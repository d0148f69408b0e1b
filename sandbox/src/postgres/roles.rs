//! The real database roles behind the users that the APIs talk about. Each statement list runs in
//! one simple query, so it happens whole or not at all.

use super::sql::{identifier, literal};
use super::{Cluster, Error};

/// A name and password that Postgres accepts.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// What a personal or integration user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    ReadOnly,
    ReadWrite,
}

impl Access {
    /// From the API's `enableWriteAccess`.
    pub(crate) fn writing(enabled: bool) -> Self {
        if enabled { Self::ReadWrite } else { Self::ReadOnly }
    }
}

impl Cluster {
    /// A database with its application users; the writer owns it.
    pub(crate) async fn create_database(
        &self,
        database: &str,
        writer: &Login,
        reader: &Login,
    ) -> Result<(), Error> {
        let (db, w, r) = (identifier(database), identifier(&writer.name), identifier(&reader.name));
        let roles = format!(
            "{}; {}; GRANT pg_read_all_data TO {r}",
            create_role(writer, Access::ReadWrite),
            create_role(reader, Access::ReadOnly)
        );
        self.rows("postgres", &roles).await?;
        // CREATE DATABASE refuses to be one of several statements.
        self.rows("postgres", &format!("CREATE DATABASE {db} OWNER {w}")).await?;
        let grants = format!(
            "REVOKE ALL ON DATABASE {db} FROM PUBLIC; GRANT CONNECT ON DATABASE {db} TO {r}; \
             GRANT ALL ON SCHEMA public TO {w}"
        );
        self.rows(database, &grants).await.map(drop)
    }

    /// A personal or integration user of one database. A read-write one is a member of the
    /// application's writer, so that either can use the other's tables.
    pub(crate) async fn create_user(
        &self,
        database: &str,
        writer: &str,
        login: &Login,
        access: Access,
    ) -> Result<(), Error> {
        let (db, name, writer) =
            (identifier(database), identifier(&login.name), identifier(writer));
        let grant = match access {
            Access::ReadOnly => format!("GRANT pg_read_all_data TO {name}"),
            Access::ReadWrite => {
                format!("GRANT {writer} TO {name}; GRANT ALL ON SCHEMA public TO {name}")
            }
        };
        let create = create_role(login, access);
        let statements = format!("{create}; GRANT CONNECT ON DATABASE {db} TO {name}; {grant}");
        self.rows(database, &statements).await.map(drop)
    }

    /// The password counts from now on; sessions that are open live on.
    pub(crate) async fn set_password(&self, login: &Login) -> Result<(), Error> {
        let (name, password) = (identifier(&login.name), literal(&login.password));
        let statement = format!("ALTER ROLE {name} LOGIN PASSWORD {password}");
        self.rows("postgres", &statement).await.map(drop)
    }

    /// A new name and password for a role that keeps what it owns.
    pub(crate) async fn rename(&self, old: &str, new: &Login) -> Result<(), Error> {
        let statements = format!(
            "ALTER ROLE {} RENAME TO {}; ALTER ROLE {} PASSWORD {}",
            identifier(old),
            identifier(&new.name),
            identifier(&new.name),
            literal(&new.password)
        );
        self.rows("postgres", &statements).await.map(drop)
    }

    /// May not log in any more, and whoever is logged in is thrown out.
    pub(crate) async fn deactivate(&self, name: &str) -> Result<(), Error> {
        // Two queries: the role must be shut for all to see before the backends end.
        let shut = format!("ALTER ROLE {} NOLOGIN", identifier(name));
        self.rows("postgres", &shut).await?;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {}",
            literal(name)
        );
        self.rows("postgres", &end).await.map(drop)
    }

    /// Removes a user; what it made goes to the application's writer.
    pub(crate) async fn drop_user(
        &self,
        database: &str,
        writer: &str,
        name: &str,
    ) -> Result<(), Error> {
        self.deactivate(name).await?;
        let (name, writer) = (identifier(name), identifier(writer));
        let statements =
            format!("REASSIGN OWNED BY {name} TO {writer}; DROP OWNED BY {name}; DROP ROLE {name}");
        self.rows(database, &statements).await.map(drop)
    }
}

fn create_role(login: &Login, access: Access) -> String {
    let (name, password) = (identifier(&login.name), literal(&login.password));
    let create = format!("CREATE ROLE {name} LOGIN PASSWORD {password}");
    match access {
        Access::ReadWrite => create,
        Access::ReadOnly => {
            format!("{create}; ALTER ROLE {name} SET default_transaction_read_only = on")
        }
    }
}
