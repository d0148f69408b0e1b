//! What the commands about an add-on do alike: reach it, and ask whether it is meant.

use std::io::{IsTerminal, stderr, stdin};

use borealis_proto::Target;
use inquire::Text;

use crate::api::{Addon, Api};
use crate::cli::OneTarget;
use crate::output::{notes, spinner};
use crate::target::{self, Here};
use crate::{Context, Error, choose, two_factor};

/// An add-on that a command is about, and the daemon that reaches it.
pub(super) struct Reached {
    api: Api,
    target: Target,
}

/// What was confirmed; the daemon compares it again before it acts.
pub(super) struct Confirmed {
    pub(super) addon: Reached,
    pub(super) name: String,
}

impl Reached {
    pub(super) async fn new(context: &Context, typed: &OneTarget) -> Result<Self, Error> {
        let target = target::one(typed, &Here)?;
        Ok(Self { api: context.daemon().await?, target })
    }

    /// Does one thing to it, beneath a spinner; where the target fits several, to the one that
    /// the person chooses; where Heroku asks for a second factor, with the person's answer. Heroku
    /// asks before anything is done, so doing it again does nothing twice.
    pub(super) async fn ask<T>(
        &self,
        what: &str,
        work: impl AsyncFn(&Addon<'_>) -> Result<T, crate::api::Error>,
    ) -> Result<T, Error> {
        let ask =
            async |target: &Target| self.answering(what, &self.api.addon(target), &work).await;
        choose::resolving(&self.api, &self.target, ask).await
    }

    /// Another one, by its name.
    pub(super) fn other(&self, name: &str) -> Result<Addon<'_>, Error> {
        let target: Target = name.parse().map_err(target::Error::from)?;
        Ok(self.api.addon(&target))
    }

    /// The same to an add-on whose name is beyond doubt.
    pub(super) async fn answering<T>(
        &self,
        what: &str,
        addon: &Addon<'_>,
        work: impl AsyncFn(&Addon<'_>) -> Result<T, crate::api::Error>,
    ) -> Result<T, Error> {
        let ask = async || Ok(spinner::during(what, work(addon)).await?);
        two_factor::answering(&self.api, |_done| None, ask).await
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }
}

/// Goes on only if it is meant: by `--confirm`, or by the name, typed at the terminal. `danger`
/// says what will happen. With neither, nothing is asked of anybody.
pub(super) async fn confirmed(
    context: &Context,
    typed: &OneTarget,
    flag: Option<String>,
    danger: &str,
) -> Result<Confirmed, Error> {
    let somebody = stdin().is_terminal() && stderr().is_terminal();
    if flag.is_none() && !somebody {
        return Err(Error::Usage {
            message: format!("{danger}: that has to be confirmed; nothing was done"),
            hint: "add --confirm with the add-on's name".to_owned(),
        });
    }
    let mut addon = Reached::new(context, typed).await?;
    if let Some(name) = flag {
        return Ok(Confirmed { addon, name });
    }
    let what = format!("looking for {}", addon.target);
    let identity = addon.ask(&what, async |addon| addon.identity().await).await?;
    let name = identity.addon_name;
    notes::warning(danger);
    let answer = Text::new(&format!("To go on, type {name}:")).prompt().unwrap_or_default();
    if answer.trim() != name {
        return Err(Error::Usage {
            message: "not confirmed; nothing was done".to_owned(),
            hint: format!("type the name as it is, or add --confirm {name}"),
        });
    }
    // The one that was confirmed, whatever the target will mean in a moment.
    addon.target = name.parse().map_err(target::Error::from)?;
    Ok(Confirmed { addon, name })
}
