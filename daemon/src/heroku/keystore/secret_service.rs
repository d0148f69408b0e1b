//! Linux: the Secret Service on the session's D-Bus (GNOME Keyring, KWallet, KeePassXC), asked for
//! the attributes that `secret-tool` uses, because that is what the Heroku CLI stores it with.

use std::collections::HashMap;

use secret_service::{EncryptionType, Error, SecretService};

use super::StoreError;
use crate::secret::Secret;

pub(super) const NAME: &str = "Secret Service";

/// A locked item is not unlocked: that puts a question on the screen, and nobody has asked us to.
pub(super) async fn lookup(
    service: &str,
    account: &str,
) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
    let store = SecretService::connect(EncryptionType::Dh).await.map_err(of)?;
    let attributes = HashMap::from([("service", service), ("account", account)]);
    let found = store.search_items(attributes).await.map_err(of)?;
    match (found.unlocked.first(), found.locked.is_empty()) {
        (Some(item), _) => item.get_secret().await.map(|text| Some(Secret::new(text))).map_err(of),
        (None, false) => Err(StoreError::Locked),
        (None, true) => Ok(None),
    }
}

fn of(error: Error) -> StoreError {
    if let Error::Locked = error {
        StoreError::Locked
    } else {
        StoreError::Failed(error.to_string())
    }
}
