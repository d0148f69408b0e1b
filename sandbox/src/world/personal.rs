//! Personal users: made, or brought back, when asked for; rotated by a fault.

use super::state::{Database, PersonalUsers};
use super::{Error, World};
use crate::keys::KeyPair;
use crate::postgres::roles::{Access, Login};
use crate::secrets::hex;

impl World {
    /// The account's SSH key on an add-on; the same one as long as it is valid.
    pub(crate) async fn personal_ssh_key(&self, addon: &str) -> Result<KeyPair, Error> {
        let mut state = self.state().await;
        let personal = &mut state.database_mut(addon).ok_or_else(|| no_addon(addon))?.personal;
        if let Some(key) = &personal.ssh_key {
            return Ok(key.clone());
        }
        let key = self.keys.make(self.format).await?;
        self.secrets.add_key(&key.private);
        personal.ssh_key = Some(key.clone());
        self.authorize(&state)?;
        Ok(key)
    }

    /// The account's database user on an add-on, with the database's name.
    pub(crate) async fn personal_login(
        &self,
        addon: &str,
        access: Access,
    ) -> Result<(String, Login), Error> {
        let mut state = self.state().await;
        let database = state.database_mut(addon).ok_or_else(|| no_addon(addon))?;
        let users = match database.personal.users.clone() {
            Some(users) if users.active => users,
            Some(users) => self.reactivated(users).await?,
            None => self.new_users(database).await?,
        };
        let login = match access {
            Access::ReadOnly => users.read_only.clone(),
            Access::ReadWrite => users.read_write.clone(),
        };
        database.personal.users = Some(users);
        Ok((database.name.clone(), login))
    }

    /// New passwords at once; open database sessions live on.
    pub(crate) async fn rotate_passwords(&self, addon: &str) -> Result<(), Error> {
        let mut state = self.state().await;
        let database = state.database_mut(addon).ok_or_else(|| no_addon(addon))?;
        let Some(users) = &mut database.personal.users else { return Ok(()) };
        if !users.active {
            return Ok(());
        }
        users.read_only.password = self.secrets.password();
        users.read_write.password = self.secrets.password();
        self.cluster.set_password(&users.read_only).await?;
        self.cluster.set_password(&users.read_write).await?;
        Ok(())
    }

    /// The key is refused from now on, and the next to ask gets a new one; open SSH connections
    /// live on.
    pub(crate) async fn rotate_ssh_key(&self, addon: &str) -> Result<(), Error> {
        let mut state = self.state().await;
        let database = state.database_mut(addon).ok_or_else(|| no_addon(addon))?;
        database.personal.ssh_key = None;
        self.authorize(&state)
    }

    async fn new_users(&self, database: &Database) -> Result<PersonalUsers, Error> {
        let suffix = hex(4);
        let login = |prefix: &str| Login {
            name: format!("{prefix}{suffix}"),
            password: self.secrets.password(),
        };
        let users =
            PersonalUsers { read_only: login("p_ro_"), read_write: login("p_rw_"), active: true };
        for (login, access) in users.each() {
            let writer = &database.writer.name;
            self.cluster.create_user(&database.name, writer, login, access).await?;
        }
        Ok(users)
    }

    async fn reactivated(&self, mut users: PersonalUsers) -> Result<PersonalUsers, Error> {
        users.read_only.password = self.secrets.password();
        users.read_write.password = self.secrets.password();
        for (login, _) in users.each() {
            self.cluster.set_password(login).await?;
        }
        users.active = true;
        Ok(users)
    }
}

pub(super) fn no_addon(name: &str) -> Error {
    Error::NoAddon(name.to_owned())
}
