//! Data integrations: users for other people's programs, each with its own SSH key.

use std::collections::btree_map::Entry;

use jiff::Timestamp;

use super::personal::no_addon;
use super::state::Integration;
use super::{Error, World};
use crate::keys::without_comment;
use crate::postgres::roles::{Access, Login};

const LONGEST_NAME: usize = 25;

/// What a caller wants registered.
pub(crate) struct NewIntegration {
    pub(crate) name: String,
    pub(crate) public_key: String,
    pub(crate) access: Access,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum IntegrationError {
    #[error("{0}")]
    Invalid(&'static str),
    #[error("A data integration with that name already exists")]
    Taken,
    #[error("Data integration does not exist")]
    Unknown,
    #[error(transparent)]
    World(#[from] Error),
}

impl World {
    /// Its login, and the name of the database.
    pub(crate) async fn register_integration(
        &self,
        addon: &str,
        new: NewIntegration,
    ) -> Result<(String, Login), IntegrationError> {
        check_name(&new.name)?;
        let public_key = check_key(&new.public_key)?;
        let mut state = self.state().await;
        let database = state.database_mut(addon).ok_or_else(|| no_addon(addon))?;
        let Entry::Vacant(place) = database.integrations.entry(new.name) else {
            return Err(IntegrationError::Taken);
        };
        let login = self.login("di_");
        self.cluster
            .create_user(&database.name, &database.writer.name, &login, new.access)
            .await
            .map_err(Error::from)?;
        place.insert(Integration {
            login: login.clone(),
            public_key,
            access: new.access,
            created_at: Timestamp::now(),
        });
        let name = database.name.clone();
        self.authorize(&state)?;
        Ok((name, login))
    }

    pub(crate) async fn remove_integration(
        &self,
        addon: &str,
        name: &str,
    ) -> Result<(), IntegrationError> {
        let mut state = self.state().await;
        let database = state.database_mut(addon).ok_or_else(|| no_addon(addon))?;
        let gone = database.integrations.remove(name).ok_or(IntegrationError::Unknown)?;
        self.cluster
            .drop_user(&database.name, &database.writer.name, &gone.login.name)
            .await
            .map_err(Error::from)?;
        Ok(self.authorize(&state)?)
    }
}

fn check_name(name: &str) -> Result<(), IntegrationError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(allowed) {
        Ok(())
    } else {
        Err(IntegrationError::Invalid("Invalid integration name"))
    }
}

/// What goes into a line of `authorized_keys` must be one key and nothing else.
fn check_key(key: &str) -> Result<String, IntegrationError> {
    let key = without_comment(key);
    let known = ["ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp"];
    let (_, blob) = key.split_once(' ').unwrap_or_default();
    let base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    if known.iter().any(|kind| key.starts_with(kind)) && blob.len() > 40 && blob.chars().all(base64)
    {
        Ok(key)
    } else {
        Err(IntegrationError::Invalid("Invalid SSH public key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_the_service_wants_them() {
        let longest = "a".repeat(25);
        for name in ["a", "bi_tool_2", longest.as_str()] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let too_long = "a".repeat(26);
        for name in ["", "Upper", "with-dash", "ä", too_long.as_str()] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_key_is_one_key() {
        let blob = "A".repeat(68);
        assert_eq!(
            check_key(&format!("ssh-ed25519 {blob} me@home")).unwrap(),
            format!("ssh-ed25519 {blob}")
        );
        for key in ["", "ssh-ed25519", "ssh-dss AAAA", "command=\"x\" ssh-ed25519 AAAA"] {
            assert!(check_key(key).is_err(), "{key}");
        }
    }
}
