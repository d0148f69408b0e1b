//! Data integrations.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AddonAndName, Answer, Context, check_in_service, created, ok, with_addon};
use crate::postgres::roles::Access;
use crate::world::{Integration, NewIntegration};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    integration_name: String,
    ssh_public_key: String,
    #[serde(default)]
    enable_write_access: bool,
}

pub(super) async fn list(State(service): Context, Path(addon): Path<String>) -> Answer {
    let user = service.world.ssh_username().to_owned();
    let all = with_addon(&service, &addon, |_, database| {
        let all = database.integrations.iter();
        all.map(|(name, one)| entry(name, one, &user)).collect::<Vec<_>>()
    });
    ok(json!({"integrations": all.await?}))
}

pub(super) async fn register(
    State(service): Context,
    Path(addon): Path<String>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Answer {
    let Json(wanted) = wanted?;
    check_in_service(&service, &addon).await?;
    let new = NewIntegration {
        name: wanted.integration_name,
        public_key: wanted.ssh_public_key,
        access: Access::writing(wanted.enable_write_access),
    };
    let (database, login) = service.world.register_integration(&addon, new).await?;
    let (ssh_host, ssh_port) = service.world.ssh_address();
    created(json!({
        "dbHost": "127.0.0.1",
        "dbPort": service.cluster.port(),
        "dbName": database,
        "dbUsername": login.name,
        "dbPassword": login.password,
        "sshHost": ssh_host,
        "sshPort": ssh_port,
        "sshUsername": service.world.ssh_username(),
        "publicSshHostKey": service.sshd.announced_host_key(),
    }))
}

pub(super) async fn remove(State(service): Context, Path((addon, name)): AddonAndName) -> Answer {
    with_addon(&service, &addon, |_, _| ()).await?;
    service.world.remove_integration(&addon, &name).await?;
    ok(json!({}))
}

fn entry(name: &str, one: &Integration, ssh_username: &str) -> Value {
    json!({
        "name": name,
        "dbUsername": one.login.name,
        "sshUsername": ssh_username,
        "writeAccess": one.access == Access::ReadWrite,
        "createdAt": one.created_at,
    })
}
