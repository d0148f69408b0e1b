//! Windows: the `PasswordVault` of the user's credential locker.

use windows::Security::Credentials::PasswordVault;
use windows::core::{HRESULT, HSTRING};

use super::{StoreError, blocking};
use crate::secret::Secret;

pub(super) const NAME: &str = "PasswordVault";

/// `ERROR_NOT_FOUND` as an HRESULT.
const NOT_FOUND: HRESULT = HRESULT(0x8007_0490_u32.cast_signed());

pub(super) async fn lookup(
    service: &str,
    account: &str,
) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
    let (service, account) = (HSTRING::from(service), HSTRING::from(account));
    blocking::call(move || match password(&service, &account) {
        Ok(text) => Ok(Some(Secret::new(text.into_bytes()))),
        Err(error) if error.code() == NOT_FOUND => Ok(None),
        Err(error) => Err(StoreError::Failed(error.message())),
    })
    .await
}

fn password(service: &HSTRING, account: &HSTRING) -> windows::core::Result<String> {
    let found = PasswordVault::new()?.Retrieve(service, account)?;
    found.RetrievePassword()?;
    Ok(found.Password()?.to_string_lossy())
}
