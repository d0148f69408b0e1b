//! Postgres extensions, for real. The service gives each its own schema of the same name.

use super::personal::no_addon;
use super::{Error, World};
use crate::postgres::{self, Rows, identifier, literal};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) name: String,
    pub(crate) schema: String,
    pub(crate) version: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtensionError {
    #[error("Extension is not supported")]
    NotSupported,
    #[error("Extension has unsatisfied dependencies")]
    Needs(Vec<String>),
    #[error("Extension is already installed or a schema with that name exists")]
    Taken,
    #[error("Extension is not installed")]
    NotInstalled,
    #[error("Other extensions or objects depend on the extension")]
    Needed,
    #[error(transparent)]
    World(#[from] Error),
}

const INSTALLED: &str = "SELECT e.extname, n.nspname, e.extversion FROM pg_extension e \
                         JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY 1";

impl World {
    pub(crate) async fn extensions(&self, addon: &str) -> Result<Vec<Extension>, Error> {
        let database = self.database_name(addon).await?;
        Ok(extensions(self.cluster.rows(&database, INSTALLED).await?))
    }

    pub(crate) async fn install_extension(
        &self,
        addon: &str,
        name: &str,
    ) -> Result<Extension, ExtensionError> {
        let installed = self.extensions(addon).await?;
        let database = self.database_name(addon).await?;
        let mut missing = self.requirements(&database, name).await?;
        missing.retain(|needed| installed.iter().all(|one| one.name != *needed));
        if !missing.is_empty() {
            return Err(ExtensionError::Needs(missing));
        }
        let schema = format!("SELECT 1 FROM pg_namespace WHERE nspname = {}", literal(name));
        let schema_exists = !self.query(&database, &schema).await?.is_empty();
        if schema_exists || installed.iter().any(|one| one.name == name) {
            return Err(ExtensionError::Taken);
        }
        let quoted = identifier(name);
        let create = format!(
            "CREATE SCHEMA {quoted}; GRANT USAGE ON SCHEMA {quoted} TO PUBLIC; \
             CREATE EXTENSION {quoted} SCHEMA {quoted}"
        );
        self.query(&database, &create).await.map_err(|_| ExtensionError::NotSupported)?;
        let now = self.extensions(addon).await?;
        now.into_iter().find(|one| one.name == name).ok_or(ExtensionError::NotSupported)
    }

    pub(crate) async fn remove_extension(
        &self,
        addon: &str,
        name: &str,
    ) -> Result<(), ExtensionError> {
        let installed = self.extensions(addon).await?;
        let Some(extension) = installed.into_iter().find(|one| one.name == name) else {
            return Err(ExtensionError::NotInstalled);
        };
        let database = self.database_name(addon).await?;
        let quoted = identifier(name);
        let mut remove = format!("DROP EXTENSION {quoted}");
        if extension.schema == name {
            remove.push_str(&format!("; DROP SCHEMA {quoted}"));
        }
        match self.cluster.rows(&database, &remove).await {
            Ok(_) => Ok(()),
            Err(postgres::Error::Sql(_)) => Err(ExtensionError::Needed),
            Err(error) => Err(Error::from(error).into()),
        }
    }

    /// The extensions that one needs; an error when Postgres has no such extension to offer.
    async fn requirements(
        &self,
        database: &str,
        name: &str,
    ) -> Result<Vec<String>, ExtensionError> {
        // One row with a NULL where nothing is needed, none where nothing is known.
        let known = format!(
            "SELECT unnest(coalesce(nullif(v.requires, '{{}}'), '{{NULL}}')) \
             FROM pg_available_extensions a JOIN pg_available_extension_versions v \
             ON v.name = a.name AND v.version = a.default_version WHERE a.name = {}",
            literal(name)
        );
        let rows = self.query(database, &known).await?;
        if rows.is_empty() {
            return Err(ExtensionError::NotSupported);
        }
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    async fn query(&self, database: &str, query: &str) -> Result<Rows, Error> {
        Ok(self.cluster.rows(database, query).await?)
    }

    async fn database_name(&self, addon: &str) -> Result<String, Error> {
        let state = self.state().await;
        state.database(addon).map(|db| db.name.clone()).ok_or_else(|| no_addon(addon))
    }
}

fn extensions(rows: Rows) -> Vec<Extension> {
    rows.into_iter()
        .filter_map(|row| {
            let mut columns = row.into_iter().flatten();
            let (name, schema, version) = (columns.next()?, columns.next()?, columns.next()?);
            Some(Extension { name, schema, version })
        })
        .collect()
}
