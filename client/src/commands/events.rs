//! `events`: what happens to sessions, a JSON a line, as the daemon says it.

use crate::api;
use crate::exit::Code;
use crate::{Context, Error, output};

/// Until the reader or the daemon leaves.
pub(super) async fn run(context: &Context) -> Result<Code, Error> {
    let mut events = context.daemon().await?.events_as_they_come().await?;
    while let Some(event) = events.next().await? {
        output::json_line(&event)?;
    }
    Err(api::Error::Stopped.into())
}
