//! `reconnect`: a new link, now: the answer comes when it is there.

use super::shared;
use crate::cli::OpenedArgs;
use crate::exit::Code;
use crate::output::spinner;
use crate::{Context, Error, two_factor};

pub(super) async fn run(context: &Context, args: OpenedArgs) -> Result<Code, Error> {
    let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
    let what = format!("reconnecting {}", session.target);
    let reconnect =
        async || Ok(spinner::during(&what, api.reconnect(&session.id, args.timeout)).await?);
    let session = two_factor::answering(&api, |session| Some(session), reconnect).await?;
    shared::show(session, args.json)
}
