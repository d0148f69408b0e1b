//! macOS: a generic password in the user's Keychain.

use security_framework::passwords::get_generic_password;

use super::{StoreError, blocking};
use crate::secret::Secret;

pub(super) const NAME: &str = "Keychain";

/// `errSecItemNotFound`
const NOT_FOUND: i32 = -25_300;
/// `errSecInteractionNotAllowed`
const LOCKED: i32 = -25_308;
/// `errSecAuthFailed`, `errSecUserCanceled`
const DENIED: [i32; 2] = [-25_293, -128];

pub(super) async fn lookup(
    service: &str,
    account: &str,
) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
    let (service, account) = (service.to_owned(), account.to_owned());
    blocking::call(move || match get_generic_password(&service, &account) {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(error) if error.code() == NOT_FOUND => Ok(None),
        Err(error) if error.code() == LOCKED => Err(StoreError::Locked),
        Err(error) if DENIED.contains(&error.code()) => Err(StoreError::Denied),
        Err(error) => Err(StoreError::Failed(error.to_string())),
    })
    .await
}
