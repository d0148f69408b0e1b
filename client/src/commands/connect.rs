//! What `url`, `env` and `export` share: the credentials of an open session.

use std::time::Duration;

use borealis_proto::{Credentials, Session};

use super::shared;
use crate::api::Api;
use crate::cli::ConnectArgs;
use crate::output::spinner;
use crate::{Context, Error, two_factor};

pub(super) async fn credentials(
    context: &Context,
    args: &ConnectArgs,
) -> Result<(Session, Credentials), Error> {
    let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
    let credentials = of(&api, &session, args.timeout).await?;
    Ok((session, credentials))
}

pub(super) async fn of(
    api: &Api,
    session: &Session,
    patience: Duration,
) -> Result<Credentials, Error> {
    let what = format!("waiting for the credentials of {}", session.target);
    let ask = async || Ok(spinner::during(&what, api.credentials(&session.id, patience)).await?);
    two_factor::answering(api, |_credentials| None, ask).await
}
