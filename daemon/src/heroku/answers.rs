//! The parts of Heroku's answers that are used, and what is made of them.

use borealis_proto::Target;
use serde::Deserialize;

use crate::secret::Secret;

/// A short-lived token for the Borealis API. Whoever holds it must have it revoked.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// Names it when it is revoked.
    pub id: String,
    /// What the Borealis API accepts for three minutes.
    pub token: Secret<String>,
    /// The login that made it: another one may not revoke it.
    pub login: Secret<String>,
}

/// One attachment, and the add-on behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The app's name.
    pub app: String,
    /// The attachment's name in the app.
    pub attachment: String,
    /// The add-on's globally unique name.
    pub addon: String,
    /// The add-on's UUID.
    pub addon_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct AuthorizationAnswer {
    pub(super) id: String,
    pub(super) access_token: AccessToken,
}

#[derive(Debug, Deserialize)]
pub(super) struct AccessToken {
    pub(super) token: Secret<String>,
}

/// Names may be missing, or none, while Heroku is not well; [`Attachment::complete`] checks.
#[derive(Debug, Deserialize)]
pub(super) struct Attachment {
    name: Option<String>,
    addon: Option<Named>,
    app: Option<Named>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Addon {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) addon_service: Named,
    pub(super) app: Option<Named>,
}

impl Attachment {
    pub(super) fn is_in(&self, app: &str) -> bool {
        let name = self.app.as_ref().and_then(|app| app.name.as_deref());
        name.is_some_and(|name| name.eq_ignore_ascii_case(app))
    }

    /// With all its names, or not at all. A name that is none would go into addresses, onto
    /// terminals, and into the state file, which is not read again with such a name in it.
    pub(super) fn complete(self) -> Option<Attached> {
        let addon = self.addon?;
        Some(Attached {
            app: plain(self.app?.name?)?,
            attachment: plain(self.name?)?,
            addon: plain(addon.name?)?,
            addon_id: plain(addon.id?)?,
        })
    }
}

impl Addon {
    const SERVICE: &str = "borealis-pg";

    /// Whether it is Borealis Isolated Postgres.
    pub(super) fn is_ours(&self) -> bool {
        self.addon_service.name.as_deref() == Some(Self::SERVICE)
    }

    /// The app that owns it.
    pub(super) fn owner(&self) -> Option<&str> {
        self.app.as_ref()?.name.as_deref()
    }
}

/// UUIDs are made of the same characters.
fn plain(name: String) -> Option<String> {
    Target::from_parts(&name, None).is_ok().then_some(name)
}

/// The attachment in `app`, else the first.
pub(super) fn prefer(attachments: Vec<Attachment>, app: Option<&str>) -> Option<Attachment> {
    let there = |attachment: &Attachment| app.is_some_and(|app| attachment.is_in(app));
    let wanted = attachments.iter().position(there).unwrap_or(0);
    attachments.into_iter().nth(wanted)
}
