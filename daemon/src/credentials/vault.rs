//! The one place that decides to ask for credentials.

use std::sync::Arc;

use borealis_proto::{Access, Renew};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::conn_info::{ConnInfo, ConnInfoError};
use super::error::Error;
use super::issuer::Issuer;
use super::lease::Lease;
use super::shelf::Shelf;
use super::types::{DatabaseCredentials, Generation, Kind, Owner, SshCredentials};
use super::want::Want;
use crate::borealis::{DbUser, SshUser};
use crate::tasks::Tasks;

/// Holds credentials, and gets new ones when they are missing or refused.
pub struct Vault {
    issuer: Arc<dyn Issuer>,
    tasks: Tasks,
    /// Cancelled: nobody waits for the service any more.
    closing: CancellationToken,
    ssh: Shelf<String, SshCredentials>,
    databases: Shelf<(String, Access), DatabaseCredentials>,
    apps: Shelf<Owner, ConnInfo>,
}

impl Vault {
    /// An empty one, whose requests are `tasks`.
    #[must_use]
    pub fn new(issuer: Arc<dyn Issuer>, renew: Renew, tasks: Tasks) -> Self {
        Self {
            ssh: Shelf::new(Kind::SshKey, renew, &tasks),
            databases: Shelf::new(Kind::Password, renew, &tasks),
            apps: Shelf::new(Kind::ConfigVar, renew, &tasks),
            issuer,
            tasks,
            closing: CancellationToken::new(),
        }
    }

    /// How to log in to the SSH server.
    ///
    /// # Errors
    /// When new ones are needed and the service does not hand them out, or is not asked: too soon,
    /// too often, or not without a person's word.
    pub async fn ssh(&self, owner: &Owner, want: Want) -> Result<Arc<SshCredentials>, Error> {
        match owner {
            Owner::Personal { addon } => {
                let mint = |generation| self.mint_ssh(addon, generation);
                self.ssh.get(addon, want, mint).await
            }
            Owner::Application { app, attachment, .. } => {
                let read = |generation| self.read_conn_info(app, attachment, generation);
                let info = self.apps.get(owner, want, read).await?;
                self.usable(owner, info.ssh())
            }
        }
    }

    /// How to log in to Postgres.
    ///
    /// # Errors
    /// As for [`Vault::ssh`].
    pub async fn database(
        &self,
        owner: &Owner,
        access: Access,
        want: Want,
    ) -> Result<Arc<DatabaseCredentials>, Error> {
        match owner {
            Owner::Personal { addon } => {
                let key = (addon.clone(), access);
                let mint = |generation| self.mint_database(addon, access, generation);
                self.databases.get(&key, want, mint).await
            }
            Owner::Application { app, attachment, .. } => {
                let read = |generation| self.read_conn_info(app, attachment, generation);
                let info = self.apps.get(owner, want, read).await?;
                self.usable(owner, info.database(access))
            }
        }
    }

    /// An authorization for a call that is not about credentials. It is made by a task of its own:
    /// one that comes for a caller who has gone is revoked all the same.
    ///
    /// # Errors
    /// Without a login, or when Heroku refuses.
    pub async fn lease(&self) -> Result<Lease, Error> {
        let (give, taken) = oneshot::channel();
        let (issuer, tasks) = (self.issuer.clone(), self.tasks.clone());
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            // Nobody there to take it: dropped, and with that revoked.
            let _gone = give.send(Lease::take(&issuer, &tasks, &closing).await);
        });
        taken.await.map_err(|_dropped| Error::Interrupted)?
    }

    /// Drops what is held for an owner.
    pub fn forget(&self, owner: &Owner) {
        match owner {
            Owner::Personal { addon } => {
                self.ssh.forget(addon);
                for access in [Access::ReadOnly, Access::ReadWrite] {
                    self.databases.forget(&(addon.clone(), access));
                }
            }
            Owner::Application { .. } => self.apps.forget(owner),
        }
    }

    /// Gives up what the service has not answered yet, and waits until the authorizations that
    /// were made for it are revoked. Each step is bounded in time by the clients of the APIs.
    pub async fn finish(&self) {
        self.closing.cancel();
        self.tasks.join().await;
    }

    /// An unusable config var is not held: somebody will correct it.
    fn usable<T>(&self, owner: &Owner, part: Result<T, ConnInfoError>) -> Result<Arc<T>, Error> {
        match part {
            Ok(part) => Ok(Arc::new(part)),
            Err(unusable) => {
                self.apps.forget(owner);
                Err(unusable.into())
            }
        }
    }

    fn mint_ssh(
        &self,
        addon: &str,
        generation: Generation,
    ) -> impl Future<Output = Result<SshCredentials, Error>> + Send + use<> {
        let (issuer, tasks, addon) = (self.issuer.clone(), self.tasks.clone(), addon.to_owned());
        let closing = self.closing.clone();
        async move {
            tracing::info!(addon, generation = generation.0, "asking for SSH credentials");
            let lease = Lease::take(&issuer, &tasks, &closing).await?;
            let user = issuer.ssh_user(&addon, lease.token());
            let user = unless_closing(&closing, user).await??;
            Ok(ssh_credentials(user, generation))
        }
    }

    fn mint_database(
        &self,
        addon: &str,
        access: Access,
        generation: Generation,
    ) -> impl Future<Output = Result<DatabaseCredentials, Error>> + Send + use<> {
        let (issuer, tasks, addon) = (self.issuer.clone(), self.tasks.clone(), addon.to_owned());
        let closing = self.closing.clone();
        async move {
            let write = access == Access::ReadWrite;
            tracing::info!(addon, %access, generation = generation.0, "asking for a password");
            let lease = Lease::take(&issuer, &tasks, &closing).await?;
            let user = issuer.db_user(&addon, lease.token(), write);
            let user = unless_closing(&closing, user).await??;
            Ok(database_credentials(user, generation))
        }
    }

    fn read_conn_info(
        &self,
        app: &str,
        attachment: &str,
        generation: Generation,
    ) -> impl Future<Output = Result<ConnInfo, Error>> + Send + use<> {
        let issuer = self.issuer.clone();
        let (app, attachment) = (app.to_owned(), attachment.to_owned());
        async move {
            tracing::info!(app, attachment, generation = generation.0, "reading config vars");
            let vars = issuer.config_vars(&app).await?;
            Ok(ConnInfo::find(&vars, &app, &attachment, generation)?)
        }
    }
}

/// The authorization is not part of it: it has to be known to be revoked.
async fn unless_closing<T>(
    closing: &CancellationToken,
    answer: impl Future<Output = T>,
) -> Result<T, Error> {
    tokio::select! {
        answer = answer => Ok(answer),
        () = closing.cancelled() => Err(Error::Interrupted),
    }
}

fn ssh_credentials(user: SshUser, generation: Generation) -> SshCredentials {
    SshCredentials {
        port: user.port(),
        host: user.host,
        user: user.user,
        private_key: user.private_key,
        host_key: user.host_key,
        generation,
    }
}

fn database_credentials(user: DbUser, generation: Generation) -> DatabaseCredentials {
    DatabaseCredentials {
        port: user.port(),
        host: user.host,
        database: user.database,
        user: user.user,
        password: user.password,
        generation,
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
