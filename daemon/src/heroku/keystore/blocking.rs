//! Stores that only know blocking calls, which may wait for a person: on a thread of their own,
//! and never two at once, however often somebody asks meanwhile.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::StoreError;

static ASKING: std::sync::LazyLock<Arc<Mutex<()>>> = std::sync::LazyLock::new(Arc::default);

pub(super) async fn call<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let asking = ASKING.clone().lock_owned().await;
    let done = tokio::task::spawn_blocking(move || {
        let _asking = asking;
        work()
    });
    done.await.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())))
}
