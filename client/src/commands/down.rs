//! `down`: closes sessions, after what runs in them.

use borealis_proto::{ErrorCode, Session, Target};
use futures_util::future::join_all;

use super::shared::among;
use crate::api::{self, Api};
use crate::cli::DownArgs;
use crate::exit::Code;
use crate::output::{self, notes, spinner, text};
use crate::target::{self, Here};
use crate::{Context, Error, select};

pub(super) async fn run(context: &Context, args: DownArgs) -> Result<Code, Error> {
    let targets = if args.all { Vec::new() } else { target::many(&args.targets, &Here)? };
    let api = context.daemon().await?;
    let open = api.sessions().await?.sessions;
    let mut failures = Vec::new();
    let mut chosen: Vec<Session> = if args.all { open.clone() } else { Vec::new() };
    for target in &targets {
        let find = |target: &Target, open: &[Session]| select::all(target, args.write_access, open);
        match among(&open, &api, target, find).await {
            Ok(sessions) => chosen.extend(sessions),
            Err(error) => failures.push(error),
        }
    }
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    chosen.dedup_by(|a, b| a.id == b.id);
    let closed = close(&api, &chosen, &args, &mut failures).await;
    print(&closed, &args)?;
    notes::unsaved(&closed);
    failures.iter().for_each(notes::failure);
    Ok(failures.first().map_or(Code::DONE, Code::from))
}

async fn close(
    api: &Api,
    chosen: &[Session],
    args: &DownArgs,
    failures: &mut Vec<Error>,
) -> Vec<Session> {
    let closing = join_all(chosen.iter().map(async |session| {
        match api.close(&session.id, args.drain).await {
            // It ended by itself since it was listed, which is what was wanted.
            Err(api::Error::Refused(detail)) if detail.code == ErrorCode::SessionNotFound => {
                Ok(session.clone())
            }
            answer => answer,
        }
    }));
    let mut closed = Vec::new();
    for answer in spinner::during("closing, after what is still running", closing).await {
        match answer {
            Ok(session) => closed.push(session),
            Err(error) => failures.push(error.into()),
        }
    }
    closed.sort_by(|a, b| (&a.target, a.access).cmp(&(&b.target, b.access)));
    closed
}

/// Always an array: one target may close two sessions.
fn print(closed: &[Session], args: &DownArgs) -> Result<(), Error> {
    if args.json {
        output::json(&closed)?;
        return Ok(());
    }
    let line = |session| text::line_with(session, "closed");
    output::print(&closed.iter().map(line).collect::<String>())?;
    if args.all && closed.is_empty() {
        notes::note("no session is open");
    }
    Ok(())
}
