//! What a status means on one call and on no other.

use borealis_proto::ErrorCode;
use serde::Deserialize;

use crate::fault::Fault;
use crate::http::{Answer, shown};

/// Why the service does not do what it was asked to do to an add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declined {
    /// An extension has needs that are not met.
    ExtensionNeeds {
        /// Which.
        extension: String,
        /// What it needs first.
        dependencies: Vec<String>,
    },
    /// The service does not have the extension.
    ExtensionUnsupported(String),
    /// The extension, or a schema of its name, is there.
    ExtensionTaken(String),
    /// Others depend on the extension.
    ExtensionNeeded(String),
    /// The extension is not installed.
    ExtensionMissing(String),
    /// No reset of credentials during maintenance.
    ResetInMaintenance,
    /// Somebody whose write access is revoked asks for what needs it.
    WriteRevoked,
    /// The service does not take the name or the key of a data integration.
    IntegrationInvalid(String),
    /// The name of a data integration is taken.
    IntegrationTaken(String),
    /// No data integration has the name.
    IntegrationMissing(String),
    /// The add-on cannot be restored.
    RestoreImpossible,
    /// The add-on cannot be upgraded.
    UpgradeImpossible,
    /// No upgrade while access is revoked.
    UpgradeForbidden,
    /// No upgrade during maintenance.
    UpgradeInMaintenance,
    /// No upgrade is under way.
    NoUpgrade,
}

#[derive(Deserialize)]
struct Needs {
    dependencies: Vec<String>,
}

impl Declined {
    pub(super) fn to_install(extension: &str, answer: &Answer) -> Option<Self> {
        let extension = extension.to_owned();
        match (answer.status().as_u16(), answer.json::<Needs>()) {
            (400, Ok(Needs { dependencies })) if !dependencies.is_empty() => {
                Some(Self::ExtensionNeeds { extension, dependencies })
            }
            (400, _) => Some(Self::ExtensionUnsupported(extension)),
            (409, _) => Some(Self::ExtensionTaken(extension)),
            _ => None,
        }
    }

    pub(super) fn to_uninstall(extension: &str, answer: &Answer) -> Option<Self> {
        match answer.status().as_u16() {
            400 => Some(Self::ExtensionNeeded(extension.to_owned())),
            404 if answer.text("resourceType").as_deref() == Some("extension") => {
                Some(Self::ExtensionMissing(extension.to_owned()))
            }
            _ => None,
        }
    }

    pub(super) fn to_reset(answer: &Answer) -> Option<Self> {
        match answer.status().as_u16() {
            400 => Some(Self::ResetInMaintenance),
            403 => Some(Self::WriteRevoked),
            _ => None,
        }
    }

    pub(super) fn to_register(integration: &str, answer: &Answer) -> Option<Self> {
        match answer.status().as_u16() {
            400 => Some(Self::IntegrationInvalid(integration.to_owned())),
            403 => Some(Self::WriteRevoked),
            409 => Some(Self::IntegrationTaken(integration.to_owned())),
            _ => None,
        }
    }

    pub(super) fn to_deregister(integration: &str, answer: &Answer) -> Option<Self> {
        let of_the_addon = answer.text("resourceType").as_deref() == Some("addon");
        let missing = answer.status().as_u16() == 404 && !of_the_addon;
        missing.then(|| Self::IntegrationMissing(integration.to_owned()))
    }

    pub(super) fn to_restore(answer: &Answer) -> Option<Self> {
        (answer.status().as_u16() == 400).then_some(Self::RestoreImpossible)
    }

    pub(super) fn to_upgrade(answer: &Answer) -> Option<Self> {
        match answer.status().as_u16() {
            400 => Some(Self::UpgradeImpossible),
            403 => Some(Self::UpgradeForbidden),
            409 => Some(Self::UpgradeInMaintenance),
            _ => None,
        }
    }

    pub(super) fn to_cancel(answer: &Answer) -> Option<Self> {
        (answer.status().as_u16() == 400).then_some(Self::NoUpgrade)
    }

    pub(super) fn fault(&self) -> Fault {
        match self {
            Self::ResetInMaintenance | Self::UpgradeInMaintenance => Fault::Transient,
            Self::ExtensionNeeds { .. }
            | Self::ExtensionUnsupported(_)
            | Self::ExtensionTaken(_)
            | Self::ExtensionNeeded(_)
            | Self::ExtensionMissing(_)
            | Self::WriteRevoked
            | Self::IntegrationInvalid(_)
            | Self::IntegrationTaken(_)
            | Self::IntegrationMissing(_)
            | Self::RestoreImpossible
            | Self::UpgradeImpossible
            | Self::UpgradeForbidden
            | Self::NoUpgrade => Fault::Blocked { recheck: None },
        }
    }

    pub(super) fn code(&self) -> ErrorCode {
        match self {
            Self::ExtensionNeeds { .. }
            | Self::ExtensionUnsupported(_)
            | Self::ExtensionNeeded(_)
            | Self::IntegrationInvalid(_)
            | Self::RestoreImpossible
            | Self::UpgradeImpossible => ErrorCode::Refused,
            Self::ExtensionTaken(_) | Self::IntegrationTaken(_) => ErrorCode::AlreadyExists,
            Self::ExtensionMissing(_) | Self::IntegrationMissing(_) | Self::NoUpgrade => {
                ErrorCode::NoSuchPart
            }
            Self::ResetInMaintenance | Self::UpgradeInMaintenance => ErrorCode::Maintenance,
            Self::WriteRevoked | Self::UpgradeForbidden => ErrorCode::AccessRevoked,
        }
    }

    pub(super) fn about(&self, addon: &str) -> String {
        match self {
            Self::ExtensionNeeds { extension, dependencies } => {
                format!("extension {extension} of add-on {addon} needs {}", list(dependencies))
            }
            Self::ExtensionUnsupported(name) => {
                format!("extension {name} is not supported on add-on {addon}")
            }
            Self::ExtensionTaken(name) => format!(
                "extension {name} is installed already on add-on {addon}, \
                 or a schema of that name is there"
            ),
            Self::ExtensionNeeded(name) => {
                format!("extension {name} of add-on {addon} is needed by others, or by tables")
            }
            Self::ExtensionMissing(name) => {
                format!("extension {name} is not installed on add-on {addon}")
            }
            Self::ResetInMaintenance => format!(
                "add-on {addon} is under maintenance: its credentials cannot be reset just now"
            ),
            Self::WriteRevoked => format!(
                "write access to add-on {addon} is revoked: \
                 its database has stayed over its storage limit"
            ),
            Self::IntegrationInvalid(name) => {
                format!("data integration {name} cannot be registered with add-on {addon}")
            }
            Self::IntegrationTaken(name) => {
                format!("add-on {addon} has a data integration {name} already")
            }
            Self::IntegrationMissing(name) => {
                format!("add-on {addon} has no data integration {name}")
            }
            Self::RestoreImpossible => format!("add-on {addon} cannot be restored or cloned"),
            Self::UpgradeImpossible => format!("add-on {addon} cannot be upgraded"),
            Self::UpgradeForbidden => format!(
                "add-on {addon} cannot be upgraded while access to it is revoked: \
                 its database has stayed over its storage limit"
            ),
            Self::UpgradeInMaintenance => {
                format!("add-on {addon} is under maintenance: it cannot be upgraded just now")
            }
            Self::NoUpgrade => format!("no upgrade of add-on {addon} is in progress"),
        }
    }

    pub(super) fn hint(&self, addon: &str) -> Option<String> {
        let hint = match self {
            Self::ExtensionNeeds { extension, .. } => format!(
                "have that installed as well: \
                 borealisctl extensions install --recursive {addon} {extension}"
            ),
            Self::ExtensionTaken(_) | Self::ExtensionMissing(_) => {
                format!("see what is installed: borealisctl extensions {addon}")
            }
            Self::ExtensionUnsupported(_) => {
                "check its name; `select name from pg_available_extensions` lists them".to_owned()
            }
            Self::ExtensionNeeded(_) => "remove what needs it first".to_owned(),
            Self::ResetInMaintenance | Self::UpgradeInMaintenance => {
                format!("see how it is, and try again later: borealisctl info {addon}")
            }
            Self::WriteRevoked | Self::UpgradeForbidden => {
                "free storage or choose a larger plan, then try again".to_owned()
            }
            Self::IntegrationInvalid(_) => {
                "a name has 1 to 25 of a-z, 0-9 and _; a key is TYPE BASE64, as in a .pub file"
                    .to_owned()
            }
            Self::IntegrationTaken(_) | Self::IntegrationMissing(_) => {
                format!("see what is registered: borealisctl integrations {addon}")
            }
            Self::RestoreImpossible => {
                format!("see what can be: borealisctl restore capabilities {addon}")
            }
            Self::UpgradeImpossible | Self::NoUpgrade => {
                format!("see how it stands: borealisctl upgrade info {addon}")
            }
        };
        Some(hint)
    }
}

/// The names are not ours.
fn list(names: &[String]) -> String {
    names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")
}
