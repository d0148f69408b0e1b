//! `wait`: until a session is up, or cannot be without a person.

use super::shared;
use crate::cli::WaitArgs;
use crate::exit::Code;
use crate::output::spinner;
use crate::{Context, Error};

pub(super) async fn run(context: &Context, args: WaitArgs) -> Result<Code, Error> {
    let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
    let what = format!("waiting for {}", session.target);
    let work = shared::wait_until_up(&api, session, args.timeout);
    let session = spinner::during(&what, work).await?;
    shared::show(session, args.json)
}
