//! `status --watch`: drawn again at each event, and only then. What it shows is what events tell,
//! with times by the clock, so nothing on the screen grows old between two of them.

use std::io::{IsTerminal, stdout};

use borealis_proto::{Event, Session, SessionId};
use jiff::tz::TimeZone;

use super::depths;
use crate::api::{self, Lines};
use crate::cli::StatusArgs;
use crate::commands::shared;
use crate::exit::Code;
use crate::output::human::Clock;
use crate::output::screen::Screen;
use crate::output::{self, Detail};
use crate::{Context, Error, target};

/// Until Ctrl+C, the end of the daemon, or the end of the one session that is watched.
pub(super) async fn run(context: &Context, args: &StatusArgs) -> Result<Code, Error> {
    let (events, only) = if target::is_named(&args.target) {
        let (api, session) = shared::opened(context, &args.target, args.write_access).await?;
        (api.events().await?, Some(session))
    } else {
        (context.daemon().await?.events().await?, None)
    };
    let paper = match (args.json, stdout().is_terminal()) {
        (true, _) => Paper::Json,
        (false, true) => Paper::Screen(Screen::new()),
        (false, false) => Paper::Roll { written: false },
    };
    Watch { only, paper, sessions: Vec::new() }.follow(events).await
}

struct Watch {
    /// The session that is watched; all without it.
    only: Option<Session>,
    paper: Paper,
    sessions: Vec<Session>,
}

/// What the text is put on.
enum Paper {
    /// The last one is replaced.
    Screen(Screen),
    /// One below the other.
    Roll { written: bool },
    /// A line a change: the session, or the array of all.
    Json,
}

impl Watch {
    async fn follow(mut self, mut events: Lines<Event>) -> Result<Code, Error> {
        while let Some(event) = events.next().await? {
            if !self.take(event) {
                continue;
            }
            if let Some(only) = &self.only
                && self.sessions.is_empty()
            {
                return Err(Error::gone(only));
            }
            self.show()?;
        }
        Err(api::Error::Stopped.into())
    }

    /// Whether anything that is watched is different now.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Snapshot { sessions } => {
                self.sessions = sessions;
                let only = self.only.as_ref().map(|session| session.id.clone());
                self.sessions.retain(|session| only.as_ref().is_none_or(|id| *id == session.id));
                true
            }
            Event::Session { session } if self.concerns(&session.id) => {
                match self.sessions.iter_mut().find(|known| known.id == session.id) {
                    Some(known) => *known = *session,
                    None => self.sessions.push(*session),
                }
                true
            }
            Event::Closed { id } if self.concerns(&id) => {
                self.sessions.retain(|session| session.id != id);
                true
            }
            Event::Session { .. } | Event::Closed { .. } | Event::Unknown => false,
        }
    }

    fn concerns(&self, id: &SessionId) -> bool {
        self.only.as_ref().is_none_or(|session| session.id == *id)
    }

    fn show(&mut self) -> Result<(), Error> {
        if matches!(self.paper, Paper::Json) {
            let written = match (&self.only, self.sessions.as_slice()) {
                (Some(_), [session]) => output::json_line(session),
                (_, sessions) => output::json_line(&sessions),
            };
            return Ok(written?);
        }
        let text = depths(&self.sessions, &Clock::still(TimeZone::system()), Detail::OfEvents);
        let text = if text.is_empty() { "no session is open\n".to_owned() } else { text };
        match &mut self.paper {
            Paper::Screen(screen) => screen.draw(&text)?,
            Paper::Roll { written } => {
                let between = if std::mem::replace(written, true) { "\n" } else { "" };
                output::print(&format!("{between}{text}"))?;
            }
            Paper::Json => {}
        }
        Ok(())
    }
}
