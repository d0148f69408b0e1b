//! `refresh`: new credentials, now, and a link that uses them.

use super::shared;
use crate::cli::OpenedArgs;
use crate::exit::Code;
use crate::output::spinner;
use crate::{Context, Error};

pub(super) async fn run(context: &Context, args: OpenedArgs) -> Result<Code, Error> {
    let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
    let what = format!("fetching new credentials for {}", session.target);
    let session = spinner::during(&what, api.refresh(&session.id, args.timeout)).await?;
    shared::show(session, args.json)
}
