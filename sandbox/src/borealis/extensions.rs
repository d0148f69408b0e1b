//! Postgres extensions.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AddonAndName, Answer, Context, created, ok, with_addon};
use crate::world::Extension;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    pg_extension_name: String,
}

pub(super) async fn list(State(service): Context, Path(addon): Path<String>) -> Answer {
    with_addon(&service, &addon, |_, _| ()).await?;
    let all = service.world.extensions(&addon).await?;
    ok(json!({"extensions": all.iter().map(entry).collect::<Vec<_>>()}))
}

pub(super) async fn install(
    State(service): Context,
    Path(addon): Path<String>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Answer {
    let Json(wanted) = wanted?;
    with_addon(&service, &addon, |_, _| ()).await?;
    let new = service.world.install_extension(&addon, &wanted.pg_extension_name).await?;
    created(json!({"pgExtensionSchema": new.schema, "pgExtensionVersion": new.version}))
}

pub(super) async fn remove(State(service): Context, Path((addon, name)): AddonAndName) -> Answer {
    with_addon(&service, &addon, |_, _| ()).await?;
    service.world.remove_extension(&addon, &name).await?;
    ok(json!({}))
}

fn entry(one: &Extension) -> Value {
    json!({"name": one.name, "schema": one.schema, "version": one.version})
}
