//! What `url` and `env` share: the credentials of an open session.

use borealis_proto::{Credentials, Session};

use super::shared;
use crate::cli::ConnectArgs;
use crate::output::spinner;
use crate::{Context, Error};

pub(super) async fn credentials(
    context: &Context,
    args: &ConnectArgs,
) -> Result<(Session, Credentials), Error> {
    let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
    let what = format!("waiting for the credentials of {}", session.target);
    let work = api.credentials(&session.id, args.timeout);
    Ok((session.clone(), spinner::during(&what, work).await?))
}
