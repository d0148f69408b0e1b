//! Apps, add-ons and attachments.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Refusal, created, ok};
use crate::world::{self, Addon, Attachment};

#[derive(Deserialize)]
pub(super) struct Resolve {
    addon_attachment: String,
    app: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Create {
    plan: String,
    #[serde(default)]
    config: Config,
    attachment: Option<Named>,
}

#[derive(Deserialize, Default)]
struct Config {
    #[serde(rename = "restore-token")]
    restore_token: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

pub(super) async fn resolve(
    State(service): Context,
    wanted: Result<Json<Resolve>, JsonRejection>,
) -> Answer {
    let Json(wanted) = wanted?;
    let state = service.world.state().await;
    let app = match &wanted.app {
        Some(app) => Some(state.app(app).ok_or_else(no_app)?.name.as_str()),
        None => None,
    };
    let found = state.resolve(&wanted.addon_attachment, app);
    if found.is_empty() {
        let message = "Couldn't find that add on attachment.";
        return Err(Refusal::not_found("attachment", message));
    }
    ok(found.into_iter().map(|one| attachment(&state, one)).collect())
}

pub(super) async fn one(State(service): Context, Path(name): Path<String>) -> Answer {
    let state = service.world.state().await;
    let found = state.addon(&name).ok_or_else(no_addon)?;
    ok(addon(&state, found))
}

pub(super) async fn attachments(State(service): Context, Path(name): Path<String>) -> Answer {
    let state = service.world.state().await;
    let name = &state.addon(&name).ok_or_else(no_addon)?.name;
    ok(state.attachments_of_addon(name).into_iter().map(|one| attachment(&state, one)).collect())
}

pub(super) async fn of_app(State(service): Context, Path(app): Path<String>) -> Answer {
    let state = service.world.state().await;
    let app = &state.app(&app).ok_or_else(no_app)?.name;
    ok(state.addons_of(app).into_iter().map(|one| addon(&state, one)).collect())
}

pub(super) async fn config_vars(State(service): Context, Path(app): Path<String>) -> Answer {
    let state = service.world.state().await;
    let app = &state.app(&app).ok_or_else(no_app)?.name;
    ok(json!(service.world.config_vars(&state, app, &service.borealis_url())))
}

pub(super) async fn create(
    State(service): Context,
    Path(app): Path<String>,
    wanted: Result<Json<Create>, JsonRejection>,
) -> Answer {
    let Json(wanted) = wanted?;
    let wanted = world::Create {
        app,
        plan: wanted.plan,
        restore_token: wanted.config.restore_token,
        attachment: wanted.attachment.and_then(|one| one.name),
    };
    let new = service.world.create_addon(wanted).await?;
    created(addon(&*service.world.state().await, &new))
}

fn addon(state: &world::State, one: &Addon) -> Value {
    let app = state.app(&one.app);
    json!({
        "id": one.id,
        "name": one.name,
        "addon_service": {"id": one.service, "name": one.service},
        "plan": {"id": one.plan, "name": one.plan},
        "app": {"id": app.map(|app| &app.id), "name": one.app},
        "state": if one.is_provisioning() { "provisioning" } else { "provisioned" },
        "created_at": one.created_at,
        "updated_at": one.created_at,
    })
}

fn attachment(state: &world::State, one: &Attachment) -> Value {
    let (app, addon) = (state.app(&one.app), state.addon(&one.addon));
    json!({
        "id": one.id,
        "name": one.name,
        "namespace": null,
        "addon": {
            "id": addon.map(|addon| &addon.id),
            "name": one.addon,
            "app": {"name": addon.map(|addon| &addon.app)},
        },
        "app": {"id": app.map(|app| &app.id), "name": one.app},
    })
}

fn no_app() -> Refusal {
    Refusal::not_found("app", "Couldn't find that app.")
}

fn no_addon() -> Refusal {
    Refusal::not_found("addon", "Couldn't find that add-on.")
}
