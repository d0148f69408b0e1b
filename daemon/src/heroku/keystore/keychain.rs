//! macOS: a generic password in the user's Keychain.

use security_framework::passwords::get_generic_password;

use super::{StoreError, blocking};
use crate::secret::Secret;

pub(super) const NAME: &str = "Keychain";
/// Whether it may put a question on the screen. Yes: about programs that it does not know yet.
pub(super) const ASKS_PEOPLE: bool = true;

/// `errSecItemNotFound`
const NOT_FOUND: i32 = -25_300;
/// `errSecInteractionNotAllowed`, `errSecAuthFailed`
const LOCKED: [i32; 2] = [-25_308, -25_293];

pub(super) async fn lookup(
    service: &str,
    account: &str,
) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
    let (service, account) = (service.to_owned(), account.to_owned());
    blocking::call(move || match get_generic_password(&service, &account) {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(error) if error.code() == NOT_FOUND => Ok(None),
        Err(error) if LOCKED.contains(&error.code()) => Err(StoreError::Locked),
        Err(error) => Err(StoreError::Failed(error.to_string())),
    })
    .await
}
