//! `wait`: until a session is up, or cannot be without a person.

use super::shared;
use crate::cli::WaitArgs;
use crate::exit::Code;
use crate::output::spinner;
use crate::{Context, Error, two_factor};

pub(super) async fn run(context: &Context, args: WaitArgs) -> Result<Code, Error> {
    let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
    let what = format!("waiting for {}", session.target);
    let wait = async || spinner::during(&what, shared::wait_on(&api, &session, args.timeout)).await;
    let session = two_factor::answering(&api, |session| Some(session), wait).await?;
    shared::show(session, args.json)
}
