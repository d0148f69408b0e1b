//! Restore and version upgrades.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Answer, Context, Refusal, check_in_service, created, ok, with_addon};

/// How far behind now the latest moment lies that can be restored.
const RESTORE_LAG: SignedDuration = SignedDuration::from_mins(5);

pub(super) async fn restore_capabilities(
    State(service): Context,
    Path(addon): Path<String>,
) -> Answer {
    let since = with_addon(&service, &addon, |addon, _| addon.created_at).await?;
    // An add-on younger than the lag has nothing between the two yet.
    let latest = (Timestamp::now() - RESTORE_LAG).max(since);
    ok(json!({
        "cloneSupported": true,
        "earliestRestorableTime": since,
        "latestRestorableTime": latest,
        "restoreSupported": true,
    }))
}

pub(super) async fn restore_token(State(service): Context, Path(addon): Path<String>) -> Answer {
    check_in_service(&service, &addon).await?;
    created(json!({"restoreToken": service.world.new_restore_token(&addon).await?}))
}

pub(super) async fn upgrade(State(service): Context, Path(addon): Path<String>) -> Answer {
    with_addon(&service, &addon, |_, _| ()).await?;
    let mut state = service.world.state().await;
    let database = state.database_mut(&addon).ok_or_else(Refusal::no_addon)?;
    let upgrading = database.upgrading().is_some();
    let next = database.next_major();
    let status = match next {
        _ if upgrading => "upgrading",
        Some(_) => "available",
        None => "maximum",
    };
    ok(json!({
        "currentPgMajorVersion": database.major.to_string(),
        "nextPgMajorVersion": next.map(|major| major.to_string()),
        "upgradeStatus": status,
    }))
}

pub(super) async fn start_upgrade(State(service): Context, Path(addon): Path<String>) -> Answer {
    with_addon(&service, &addon, |_, _| ()).await?;
    let (from, to) = service.world.start_upgrade(&addon).await?;
    let body = json!({
        "currentPgMajorVersion": from.to_string(),
        "targetPgMajorVersion": to.to_string(),
    });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

pub(super) async fn cancel_upgrade(State(service): Context, Path(addon): Path<String>) -> Answer {
    with_addon(&service, &addon, |_, _| ()).await?;
    service.world.cancel_upgrade(&addon).await?;
    ok(json!({}))
}
