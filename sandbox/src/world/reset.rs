//! `users:reset`: new names and passwords for the application users; personal users are shut out
//! and their connections cut, until their owners ask for them again.

use super::personal::no_addon;
use super::{Error, World};
use crate::sshd::logins;

impl World {
    pub(crate) async fn reset_users(&self, addon: &str) -> Result<(), Error> {
        let mut state = self.state().await;
        let database = state.database_mut(addon).ok_or_else(|| no_addon(addon))?;
        let writer = self.login("app_rw_");
        self.cluster.rename(&database.writer.name, &writer).await?;
        database.writer = writer;
        let reader = self.login("app_ro_");
        self.cluster.rename(&database.reader.name, &reader).await?;
        database.reader = reader;

        let key = database.personal.ssh_key.take();
        if let Some(users) = &mut database.personal.users {
            users.active = false;
            for (login, _) in users.each() {
                self.cluster.deactivate(&login.name).await?;
            }
        }
        self.authorize(&state)?;
        if let Some(key) = key {
            self.relay.cut_from(&logins(&self.sshd.log(), &key.fingerprint)).await;
        }
        Ok(())
    }
}
