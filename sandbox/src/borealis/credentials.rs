//! The calls that hand out personal credentials.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Context, check_in_service, ok};
use crate::postgres::roles::Access;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    enable_write_access: bool,
}

pub(super) async fn ssh(State(service): Context, Path(addon): Path<String>) -> Answer {
    check_in_service(&service, &addon).await?;
    let key = service.world.personal_ssh_key(&addon).await?;
    let (host, port) = service.world.ssh_address();
    ok(json!({
        "sshHost": host,
        "sshPort": port,
        "sshUsername": service.world.ssh_username(),
        "sshPrivateKey": key.private,
        "publicSshHostKey": service.sshd.announced_host_key(),
    }))
}

pub(super) async fn database(
    State(service): Context,
    Path(addon): Path<String>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Answer {
    let Json(wanted) = wanted?;
    check_in_service(&service, &addon).await?;
    let access = Access::writing(wanted.enable_write_access);
    let (name, login) = service.world.personal_login(&addon, access).await?;
    ok(json!({
        "dbHost": "127.0.0.1",
        "dbPort": service.world.database_port(&addon),
        "dbName": name,
        "dbUsername": login.name,
        "dbPassword": login.password,
    }))
}
