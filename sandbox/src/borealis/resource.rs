//! The add-on itself, and its users.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, Context, Refusal, check_in_service, ok, with_addon};
use crate::service::Service;
use crate::world::{ACCOUNT, Database};

/// What the plan of the sandbox's add-ons allows.
const STORAGE_MAX_BYTES: u64 = 20 * 1024 * 1024 * 1024;

pub(super) async fn show(State(service): Context, Path(name): Path<String>) -> Answer {
    let (addon, database) =
        with_addon(&service, &name, |addon, database| (addon.clone(), database.name.clone()))
            .await?;
    let (upgrading, version) = version(&service, &name).await?;
    let status =
        if upgrading { "maintenance-postgresql-major-version-upgrade" } else { "available" };
    ok(json!({
        "addonName": addon.name,
        "appDbName": database,
        "createdAt": addon.created_at,
        "dbStorageMaxBytes": STORAGE_MAX_BYTES,
        "dbStorageUsageBytes": storage_usage(&service, &database).await,
        "dbTenancyType": "isolated",
        "planName": addon.plan.split(':').next_back(),
        "postgresVersion": version,
        "region": "us-east-1",
        "replicaQuantity": 0,
        "restoreSourceAddonName": addon.restored_from,
        "status": status,
        "storageComplianceDeadline": null,
        "storageComplianceStatus": "ok",
    }))
}

pub(super) async fn users(State(service): Context, Path(name): Path<String>) -> Answer {
    ok(json!({"users": with_addon(&service, &name, |_, database| entries(database)).await?}))
}

pub(super) async fn reset_users(State(service): Context, Path(name): Path<String>) -> Answer {
    let in_service = check_in_service(&service, &name).await;
    in_service.map_err(|refusal| refusal.or_status(StatusCode::LOCKED, StatusCode::BAD_REQUEST))?;
    service.world.reset_users(&name).await?;
    ok(json!({}))
}

fn entries(database: &Database) -> Vec<Value> {
    let app = json!({
        "displayName": null,
        "readOnlyUsername": database.reader.name,
        "readWriteUsername": database.writer.name,
        "userType": "app",
    });
    let active = database.personal.users.as_ref().filter(|users| users.active);
    let personal = active.map(|users| {
        json!({
            "displayName": ACCOUNT,
            "readOnlyUsername": users.read_only.name,
            "readWriteUsername": users.read_write.name,
            "userType": "personal",
        })
    });
    std::iter::once(app).chain(personal).collect()
}

/// Whether an upgrade runs, and the version as the service tells it.
async fn version(service: &Service, addon: &str) -> Result<(bool, String), Refusal> {
    let mut state = service.world.state().await;
    let database = state.database_mut(addon).ok_or_else(Refusal::no_addon)?;
    let upgrading = database.upgrading().is_some();
    let (real, major) = service.world.version();
    let told =
        if database.major == major { real.to_owned() } else { format!("{}.0", database.major) };
    Ok((upgrading, told))
}

/// Nothing while Postgres is stopped: the API answers all the same.
async fn storage_usage(service: &Service, database: &str) -> u64 {
    let rows = service.cluster.rows(database, "SELECT pg_database_size(current_database())").await;
    let bytes = rows.ok().into_iter().flatten().flatten().flatten().next();
    bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or_default()
}
