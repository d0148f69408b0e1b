//! From what a person typed to one attachment of one of our add-ons.

use borealis_proto::{Target, canonical_attachment};
use futures_util::future;
use serde_json::json;

use super::answers::{Addon, Attached, Attachment, prefer};
use super::client::Heroku;
use super::error::Error;

/// What Heroku calls an add-on of ours whose owner gave it no name of its own.
const OUR_PREFIX: &str = "borealis-pg-";

impl Heroku {
    /// Finds the attachment that a target means. A session's id is for the caller to look up.
    ///
    /// # Errors
    /// When nothing of ours answers to the target, or more than one thing does; without a login;
    /// when Heroku refuses or does not answer.
    pub async fn resolve(&self, target: &Target) -> Result<Attached, Error> {
        match target {
            Target::Attachment { app, attachment } => self.attachment(app, attachment).await,
            Target::Name(name) => self.name(name).await,
            Target::Session(id) => Err(Error::NoSession(id.to_string())),
        }
    }

    async fn attachment(&self, app: &str, typed: &str) -> Result<Attached, Error> {
        let attached = self.attached(app, typed).await?;
        let missing = || Error::NotAttached { app: app.to_owned(), attachment: typed.to_owned() };
        unless_missing(self.our_addon(&attached.addon).await)?.ok_or_else(missing)?;
        Ok(attached)
    }

    /// What is attached to an app under a name, of whatever service. The config var's name is tried
    /// as it was typed first: an attachment may end in `_URL`.
    ///
    /// # Errors
    /// When nothing is; without a login; when Heroku refuses or does not answer.
    pub async fn attached(&self, app: &str, typed: &str) -> Result<Attached, Error> {
        let canonical = canonical_attachment(typed);
        let mut found = self.attachments_as(app, typed).await?;
        if found.is_empty() && canonical != typed {
            found = self.attachments_as(app, canonical).await?;
        }
        let missing = || Error::NotAttached { app: app.to_owned(), attachment: typed.to_owned() };
        complete(prefer(found, Some(app)).ok_or_else(missing)?)
    }

    async fn attachments_as(&self, app: &str, name: &str) -> Result<Vec<Attachment>, Error> {
        let body = json!({ "addon_attachment": name, "app": app });
        let found = self.post(&["actions", "addon-attachments", "resolve"], body).await;
        Ok(unless_missing(found)?.unwrap_or_default())
    }

    /// A bare name is tried first as what it looks like. "You may not see this" is an answer to
    /// the first try only if the second finds nothing: names of apps and add-ons may be equal.
    async fn name(&self, name: &str) -> Result<Attached, Error> {
        let first = if looks_like_addon(name) {
            self.as_addon(name).await
        } else {
            self.as_app(name).await
        };
        let hidden = match first {
            Ok(Some(attached)) => return Ok(attached),
            Ok(None) => None,
            Err(error @ Error::Forbidden(_)) => Some(error),
            Err(error) => return Err(error),
        };
        let second = if looks_like_addon(name) {
            self.as_app(name).await
        } else {
            self.as_addon(name).await
        };
        second?.ok_or_else(|| hidden.unwrap_or_else(|| Error::Unknown(name.to_owned())))
    }

    async fn as_app(&self, app: &str) -> Result<Option<Attached>, Error> {
        let Some(addons) = unless_missing(self.get::<Vec<Addon>>(&["apps", app, "addons"]).await)?
        else {
            return Ok(None);
        };
        let ours: Vec<Addon> = addons.into_iter().filter(Addon::is_ours).collect();
        match ours.as_slice() {
            [] => Err(Error::NoneInApp(app.to_owned())),
            [addon] => self.attachment_of(addon, app).await.map(Some),
            several => Err(self.ambiguous(app, several).await?),
        }
    }

    async fn as_addon(&self, name: &str) -> Result<Option<Attached>, Error> {
        let Some(addon) = unless_missing(self.our_addon(name).await)? else { return Ok(None) };
        let found = prefer(self.attachments_of(&addon).await?, addon.owner());
        complete(found.ok_or(Error::Unattached(addon.name))?).map(Some)
    }

    async fn our_addon(&self, name: &str) -> Result<Addon, Error> {
        let addon: Addon = self.get(&["addons", name]).await?;
        if addon.is_ours() { Ok(addon) } else { Err(Error::NotOurs(name.to_owned())) }
    }

    async fn attachment_of(&self, addon: &Addon, app: &str) -> Result<Attached, Error> {
        let found = prefer(self.attachments_of(addon).await?, Some(app));
        complete(found.ok_or_else(|| Error::Unattached(addon.name.clone()))?)
    }

    async fn attachments_of(&self, addon: &Addon) -> Result<Vec<Attachment>, Error> {
        self.get(&["addons", &addon.id, "addon-attachments"]).await
    }

    async fn ambiguous(&self, app: &str, addons: &[Addon]) -> Result<Error, Error> {
        let attached = addons.iter().map(|addon| self.attachment_of(addon, app));
        let choices = future::try_join_all(attached).await?;
        let choices = choices.iter().map(|one| format!("{}/{}", one.app, one.attachment)).collect();
        Ok(Error::Ambiguous { app: app.to_owned(), choices })
    }
}

/// Names that Heroku makes up for our add-ons, and UUIDs.
fn looks_like_addon(name: &str) -> bool {
    name.starts_with(OUR_PREFIX) || uuid::Uuid::try_parse(name).is_ok()
}

fn complete(attachment: Attachment) -> Result<Attached, Error> {
    attachment.complete().ok_or(Error::Nameless)
}

fn unless_missing<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
