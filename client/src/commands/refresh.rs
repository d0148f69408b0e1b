//! `refresh`: new credentials, now, and a link that uses them.

use super::shared;
use crate::cli::OpenedArgs;
use crate::exit::Code;
use crate::output::spinner;
use crate::{Context, Error, two_factor};

pub(super) async fn run(context: &Context, args: OpenedArgs) -> Result<Code, Error> {
    let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
    let what = format!("fetching new credentials for {}", session.target);
    let refresh =
        async || Ok(spinner::during(&what, api.refresh(&session.id, args.timeout)).await?);
    let session = two_factor::answering(&api, |session| Some(session), refresh).await?;
    shared::show(session, args.json)
}
