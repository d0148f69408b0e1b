//! The add-on itself. A target stands in the path as one segment: `sushi::DATABASE`, or with its
//! slash escaped.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use borealis_proto::{
    AddonIdentity, AddonInfo, AddonState, DbUsers, InstallExtension, InstalledExtensions,
    IntegrationLogin, Integrations, PgExtensions, RegisterIntegration, Restore,
    RestoreCapabilities, Target, UpgradeInfo, UpgradeStarted,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::addon::Confirm;
use crate::control::error::Error;
use crate::control::extract::{Answer, Body, Params, Patience};
use crate::control::state::Api;

/// The add-on that the path names. A session's id means the add-on behind it.
pub(in crate::control) struct Of(Target);

/// A part of the add-on, by the last name in the path.
pub(in crate::control) struct Part(String);

/// What may be said to confirm what cannot be undone. Nothing else: a newer client's word might be
/// one that limits what is done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::control) struct Confirmation {
    confirm: Option<String>,
}

#[derive(Deserialize)]
struct OfPath {
    target: Target,
}

#[derive(Deserialize)]
struct PartPath {
    name: String,
}

/// `GET /v1/addons/{target}`
pub(in crate::control) async fn info(State(api): State<Api>, of: Of) -> Answer<Json<AddonInfo>> {
    Ok(Json(api.addons.info(&of.0).await?))
}

/// `GET /v1/addons/{target}/identity`
pub(in crate::control) async fn identity(
    State(api): State<Api>,
    of: Of,
) -> Answer<Json<AddonIdentity>> {
    Ok(Json(api.addons.identity(&of.0).await?))
}

/// `GET /v1/addons/{target}/state`
pub(in crate::control) async fn state(
    State(api): State<Api>,
    of: Of,
    Params(patience): Params<Patience>,
) -> Answer<Json<AddonState>> {
    Ok(Json(api.addons.state(&of.0, patience.wait()).await?))
}

/// `GET /v1/addons/{target}/extensions`
pub(in crate::control) async fn extensions(
    State(api): State<Api>,
    of: Of,
) -> Answer<Json<PgExtensions>> {
    Ok(Json(api.addons.extensions(&of.0).await?))
}

/// `POST /v1/addons/{target}/extensions`
pub(in crate::control) async fn install_extension(
    State(api): State<Api>,
    of: Of,
    Body(wish): Body<InstallExtension>,
) -> Answer<(StatusCode, Json<InstalledExtensions>)> {
    Ok((StatusCode::CREATED, Json(api.addons.install_extension(&of.0, &wish).await?)))
}

/// `DELETE /v1/addons/{target}/extensions/{name}`
pub(in crate::control) async fn remove_extension(
    State(api): State<Api>,
    of: Of,
    Part(name): Part,
    Params(confirmation): Params<Confirmation>,
) -> Answer<StatusCode> {
    api.addons.remove_extension(&of.0, &name, &confirmation.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/addons/{target}/users`
pub(in crate::control) async fn users(State(api): State<Api>, of: Of) -> Answer<Json<DbUsers>> {
    Ok(Json(api.addons.users(&of.0).await?))
}

/// `DELETE /v1/addons/{target}/users/credentials`
pub(in crate::control) async fn reset_users(
    State(api): State<Api>,
    of: Of,
    Params(confirmation): Params<Confirmation>,
) -> Answer<StatusCode> {
    api.addons.reset_users(&of.0, &confirmation.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/addons/{target}/integrations`
pub(in crate::control) async fn integrations(
    State(api): State<Api>,
    of: Of,
) -> Answer<Json<Integrations>> {
    Ok(Json(api.addons.integrations(&of.0).await?))
}

/// `POST /v1/addons/{target}/integrations`
pub(in crate::control) async fn register_integration(
    State(api): State<Api>,
    of: Of,
    Body(wish): Body<RegisterIntegration>,
) -> Answer<(StatusCode, Json<IntegrationLogin>)> {
    Ok((StatusCode::CREATED, Json(api.addons.register_integration(&of.0, &wish).await?)))
}

/// `DELETE /v1/addons/{target}/integrations/{name}`
pub(in crate::control) async fn remove_integration(
    State(api): State<Api>,
    of: Of,
    Part(name): Part,
    Params(confirmation): Params<Confirmation>,
) -> Answer<StatusCode> {
    api.addons.remove_integration(&of.0, &name, &confirmation.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/addons/{target}/restore`
pub(in crate::control) async fn restore_capabilities(
    State(api): State<Api>,
    of: Of,
) -> Answer<Json<RestoreCapabilities>> {
    Ok(Json(api.addons.restore_capabilities(&of.0).await?))
}

/// `POST /v1/addons/{target}/restore`
pub(in crate::control) async fn restore(
    State(api): State<Api>,
    of: Of,
    Params(confirmation): Params<Confirmation>,
    Body(wish): Body<Restore>,
) -> Answer<(StatusCode, Json<AddonState>)> {
    let new = api.addons.restore(&of.0, wish, &confirmation.into()).await?;
    Ok((StatusCode::CREATED, Json(new)))
}

/// `GET /v1/addons/{target}/upgrade`
pub(in crate::control) async fn upgrade(
    State(api): State<Api>,
    of: Of,
) -> Answer<Json<UpgradeInfo>> {
    Ok(Json(api.addons.upgrade(&of.0).await?))
}

/// `POST /v1/addons/{target}/upgrade`
pub(in crate::control) async fn start_upgrade(
    State(api): State<Api>,
    of: Of,
    Params(confirmation): Params<Confirmation>,
) -> Answer<(StatusCode, Json<UpgradeStarted>)> {
    let started = api.addons.start_upgrade(&of.0, &confirmation.into()).await?;
    Ok((StatusCode::ACCEPTED, Json(started)))
}

/// `DELETE /v1/addons/{target}/upgrade`
pub(in crate::control) async fn cancel_upgrade(
    State(api): State<Api>,
    of: Of,
    Params(confirmation): Params<Confirmation>,
) -> Answer<StatusCode> {
    api.addons.cancel_upgrade(&of.0, &confirmation.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Confirmation> for Confirm {
    fn from(confirmation: Confirmation) -> Self {
        Self::new(confirmation.confirm)
    }
}

impl FromRequestParts<Api> for Of {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let OfPath { target } = segments(parts, api).await?;
        Ok(Self(api.manager.addon_meant(target)?))
    }
}

impl FromRequestParts<Api> for Part {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        Ok(Self(segments::<PartPath>(parts, api).await?.name))
    }
}

async fn segments<T: DeserializeOwned + Send>(parts: &mut Parts, api: &Api) -> Result<T, Error> {
    match Path::from_request_parts(parts, api).await {
        Ok(Path(segments)) => Ok(segments),
        Err(rejection) => Err(Error::malformed(rejection.body_text())),
    }
}
