//! `tunnel`: `up` that stays in the foreground and goes `down` on Ctrl+C, for old habits.

use std::time::Duration;

use borealis_proto::{Event, Identity, Session, SessionState};

use super::shared::{Held, Wish};
use crate::api::{self, Lines};
use crate::cli::TunnelArgs;
use crate::exit::Code;
use crate::output::{self, notes, spinner, text};
use crate::signals::Signals;
use crate::{Context, Error};

/// How long running connections may go on after the first Ctrl+C; a second one ends them.
const DRAIN: Duration = Duration::from_secs(10);

pub(super) async fn run(context: &Context, args: TunnelArgs) -> Result<Code, Error> {
    let held = Held::open(
        context,
        &Wish {
            target: &args.target,
            write_access: args.write_access,
            identity: Identity::Personal,
            port: args.port,
        },
    )
    .await?;
    let code = Code::of_session(&held.session);
    // What only takes longer comes up by itself while we stay; the rest does not.
    if code != Code::DONE && code != Code::TIMED_OUT {
        return Err(Error::NotUp(Box::new(held.session)));
    }
    let mut signals = Signals::catch()?;
    let events = held.api.events().await?;
    output::print(&text::line(&held.session))?;
    notes::note("Ctrl+C ends it");
    tokio::select! {
        ended = watch(&held.session, events) => return ended,
        _ = signals.next() => {}
    }
    close(held, signals).await
}

/// Tells every change of state, until the session is closed.
async fn watch(session: &Session, mut events: Lines<Event>) -> Result<Code, Error> {
    let mut told = session.state;
    while let Some(event) = events.next().await? {
        match event {
            Event::Snapshot { sessions } => {
                let now = sessions.into_iter().find(|other| other.id == session.id);
                let Some(now) = now else { return Ok(closed(session)) };
                told = tell(&now, told);
            }
            Event::Session { session: now } if now.id == session.id => told = tell(&now, told),
            Event::Closed { id } if id == session.id => return Ok(closed(session)),
            Event::Session { .. } | Event::Closed { .. } | Event::Unknown => {}
        }
    }
    Err(api::Error::Stopped.into())
}

fn tell(session: &Session, told: SessionState) -> SessionState {
    let Session { target, state, .. } = session;
    if *state != told {
        let why = session.reason.as_ref().map(|reason| format!(": {}", reason.message));
        notes::note(&format!("{target} is {state}{}", why.unwrap_or_default()));
        if let Some(hint) = session.reason.as_ref().and_then(|reason| reason.hint.as_deref()) {
            notes::hint(hint);
        }
    }
    *state
}

fn closed(session: &Session) -> Code {
    notes::note(&format!("{} was closed", session.target));
    Code::DONE
}

async fn close(held: Held, mut signals: Signals) -> Result<Code, Error> {
    let Session { id, target, access, .. } = &held.session;
    let open = format!("{target} stays open; close it: borealisctl down {target}{}", access.flag());
    if !held.session.ephemeral {
        notes::note(&open);
        return Ok(Code::DONE);
    }
    let closing = held.api.release(id, DRAIN);
    let what = format!("closing {target}, after what is still running");
    let left = tokio::select! {
        left = spinner::during(&what, closing) => left?,
        signal = signals.next() => return Ok(signal.code()),
    };
    notes::note(&if left.state == SessionState::Closing {
        format!("{target} is closed")
    } else if left.ephemeral {
        format!("{target} stays open until others have done with it")
    } else {
        open
    });
    Ok(Code::DONE)
}
